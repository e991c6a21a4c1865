"""Jobs: finding the work, running it item by item, and reporting what became of each."""
