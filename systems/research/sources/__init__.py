"""What a person names as sources, read: folders, files and web pages; each becomes a document, or a refusal."""
