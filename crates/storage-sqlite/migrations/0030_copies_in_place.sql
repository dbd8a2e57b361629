-- A copy is filled up with zeros to one of a few lengths, so that the next one of its slot can take its place as it lies.
-- bytes: how many of the octets are the copy; all of them where this is NULL.
ALTER TABLE segment_copy ADD COLUMN bytes INTEGER;
