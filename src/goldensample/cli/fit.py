"""`golden fit`: learn what good parts look like."""

from goldensample.cli.fit_each import for_each
from goldensample.cli.fit_one import fit_one

command = for_each(fit_one)
