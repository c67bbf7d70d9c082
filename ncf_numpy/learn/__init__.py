"""Looking at backprop from outside: the core files know nothing of what is here."""
