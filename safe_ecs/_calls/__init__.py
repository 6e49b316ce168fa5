"""A call of the SDK, read into plain data: its layers merged, and kept while it waits."""
