"""Jobs in files: JSON lines (`jsonl`), export and import of them, and samples kept by name."""
