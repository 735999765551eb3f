"""AudioSchemaGen: the curated schema of a clip plus the labels found."""
