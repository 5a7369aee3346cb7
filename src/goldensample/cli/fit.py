"""`golden fit`: learn what good parts look like."""

from goldensample.cli.fit_each import add_each_options
from goldensample.cli.fit_one import fit_one

command = add_each_options(fit_one)
