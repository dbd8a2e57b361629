-- forwarded_by: the domain of ours whose alias led the message on.
ALTER TABLE queue_message ADD COLUMN forwarded_by TEXT;
-- language: in which reports are written to whoever reads them (RFC 5646).
ALTER TABLE account ADD COLUMN language TEXT;
ALTER TABLE domain ADD COLUMN language TEXT;
