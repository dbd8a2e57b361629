-- sealed_by: the data key under which a segment's directory and blocks are; NULL when they are as they are.
ALTER TABLE search_segment ADD COLUMN sealed_by INTEGER;
