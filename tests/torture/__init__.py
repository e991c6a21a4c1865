"""What the program must survive: killed at any moment, fed with anything.

The long form, by one command (see `--help` for the numbers):

    python -m tests.torture

The short form is part of the suite, in test_torture.py.
"""
