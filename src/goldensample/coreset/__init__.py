"""Which patches stay in the bank.

`greedy.greedy` makes the picks of the textbook loop; `streaming` bounds the memory.
"""
