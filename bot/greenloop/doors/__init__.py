"""What can be said on the command line beside `generate`: the doors of `cli`."""
