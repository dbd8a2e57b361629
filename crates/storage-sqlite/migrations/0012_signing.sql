-- may_sign: whether the domain of the author answers for the message.
ALTER TABLE queue_message ADD COLUMN may_sign INTEGER NOT NULL DEFAULT 0;
