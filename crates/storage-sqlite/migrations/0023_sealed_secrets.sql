-- sealed_by: the data key under which the secrets of a row are; NULL when they are as they are.
ALTER TABLE setting ADD COLUMN sealed_by INTEGER;
ALTER TABLE route ADD COLUMN sealed_by INTEGER;

-- secrets_settled: they are all under target.
ALTER TABLE encryption ADD COLUMN secrets_settled INTEGER NOT NULL DEFAULT 1;
-- In a store that is encrypted they were as they are until now: they follow, and then free room is emptied of them.
UPDATE encryption SET secrets_settled = 0, settled = 0, scrubbing = 1 WHERE target IS NOT NULL;

-- sends_only: it has no mailboxes, and takes no mail.
ALTER TABLE domain ADD COLUMN sends_only INTEGER NOT NULL DEFAULT 0;
