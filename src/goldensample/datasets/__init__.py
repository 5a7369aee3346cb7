"""Readers of data sets on disk: training pictures, test pictures and their masks."""

from goldensample.datasets.by_folder import read_dataset as read_dataset
from goldensample.datasets.finding import find_layout as find_layout
from goldensample.datasets.finding import has_layout as has_layout
from goldensample.datasets.finding import list_category as list_category
from goldensample.datasets.finding import read_category as read_category
from goldensample.datasets.items import Dataset as Dataset
from goldensample.datasets.items import Item as Item
from goldensample.datasets.items import labelled as labelled
from goldensample.datasets.items import read_mask as read_mask
from goldensample.datasets.layouts import LAYOUTS as LAYOUTS
from goldensample.datasets.layouts import Layout as Layout
