-- Mail that waits until its sender wants it to go, and mail that is to be delivered in time.
--
-- release_request: what the sender said, as in Future-Release-Request (RFC 4865 §5.1.2). release_at: when it goes.
-- awaits_release: it has not gone yet.
-- deliver_by: the deliver-by-time. deliver_by_mode: by-mode and by-trace (RFC 2852 §4).
-- deadline: when something is to be done because the entry is still there.

ALTER TABLE queue_message ADD COLUMN release_request TEXT;
ALTER TABLE queue_message ADD COLUMN release_at INTEGER;
ALTER TABLE queue_message ADD COLUMN awaits_release INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queue_message ADD COLUMN deliver_by INTEGER;
ALTER TABLE queue_message ADD COLUMN deliver_by_mode TEXT;
ALTER TABLE queue_entry ADD COLUMN deadline INTEGER;

CREATE INDEX queue_message_awaiting ON queue_message (submitter) WHERE awaits_release = 1;
CREATE INDEX queue_entry_deadline ON queue_entry (deadline) WHERE deadline IS NOT NULL;
