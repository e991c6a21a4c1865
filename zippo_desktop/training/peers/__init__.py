"""Other programs' mattes to measure against: fetched when asked, and no part of the program."""
