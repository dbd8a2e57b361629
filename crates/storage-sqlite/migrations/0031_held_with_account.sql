-- What is held because the account that handed it in may not send is told from what an administrator holds, or a content
-- filter. Of what is held already nobody can tell who held it, but for filters and what came back twice.
ALTER TABLE queue_entry ADD COLUMN held_with_account INTEGER NOT NULL DEFAULT 0;
UPDATE queue_entry SET held_with_account = 1 WHERE held = 1 AND cause IS NOT 'content-filter'
    AND cause IS NOT 'double-bounce' AND message IN (
        SELECT id FROM queue_message WHERE submitter IN (SELECT account FROM sending_freeze));
