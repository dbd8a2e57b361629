-- The first words of a message, and the conversation it belongs to. NULL where they have not been worked out.
ALTER TABLE parsed ADD COLUMN preview TEXT;
ALTER TABLE parsed ADD COLUMN thread BLOB;
