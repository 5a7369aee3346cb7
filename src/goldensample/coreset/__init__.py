"""Coresets: the selection of the patches that become rows of the bank.

`greedy.greedy` makes the picks of the textbook loop; `streaming` bounds the memory.
"""
