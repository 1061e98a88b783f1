"""The words of the features, each translated into one question to the library and what must come back."""
