-- A queue whose cost follows what can be sent.
--
-- An entry waits for its time (turn IS NULL AND held = 0), is ready and has a turn, or is held.
-- lane: what its sender is called: domain, a space, folded local part; empty for the null sender.
-- cause: what the last attempt came to, in one word. detour: host:port where an administrator sends it.
-- submitter: as in its message.

ALTER TABLE queue_entry ADD COLUMN lane TEXT NOT NULL DEFAULT '';
ALTER TABLE queue_entry ADD COLUMN turn INTEGER;
ALTER TABLE queue_entry ADD COLUMN cause TEXT;
ALTER TABLE queue_entry ADD COLUMN detour TEXT;
ALTER TABLE queue_entry ADD COLUMN submitter INTEGER;

-- What rtrim leaves ends with the last @.
UPDATE queue_entry SET lane = (SELECT
        substr(sender_folded, 1 + length(rtrim(sender_folded, replace(sender_folded, '@', '')))) || ' ' ||
        substr(sender_folded, 1, length(rtrim(sender_folded, replace(sender_folded, '@', ''))) - 1)
    FROM queue_message WHERE id = queue_entry.message)
WHERE message IN (SELECT id FROM queue_message WHERE sender_folded IS NOT NULL);

DROP INDEX queue_entry_due;
DROP INDEX queue_entry_destination;
DROP INDEX queue_message_sender;
CREATE INDEX queue_entry_ready ON queue_entry (destination, turn) WHERE turn IS NOT NULL;
CREATE INDEX queue_entry_turn ON queue_entry (destination, lane, turn) WHERE turn IS NOT NULL;
CREATE INDEX queue_entry_waiting ON queue_entry (due_at) WHERE turn IS NULL AND held = 0;
CREATE INDEX queue_entry_held ON queue_entry (held) WHERE held = 1;
CREATE INDEX queue_entry_destination ON queue_entry (destination);
CREATE INDEX queue_entry_lane ON queue_entry (lane);
CREATE INDEX queue_entry_submitter ON queue_entry (submitter) WHERE submitter IS NOT NULL;
CREATE INDEX queue_entry_cause ON queue_entry (cause) WHERE cause IS NOT NULL;

-- How many entries there are: in all (kind 0, no name), by destination (1), by cause (2).
CREATE TABLE queue_tally (
    kind    INTEGER NOT NULL,
    name    TEXT NOT NULL,
    entries INTEGER NOT NULL,
    held    INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
INSERT INTO queue_tally
    SELECT 0, '', count(*), coalesce(sum(held), 0) FROM queue_entry
    UNION ALL SELECT 1, destination, count(*), sum(held) FROM queue_entry GROUP BY destination;
