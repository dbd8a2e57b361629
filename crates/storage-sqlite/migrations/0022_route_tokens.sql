-- Signing in by a token of OAuth, and certificates that are shown. token_file: the file with the token. token_endpoint and
-- what follows it: how tokens are had for a refresh token. A login has one of password, token_file and token_endpoint.
ALTER TABLE route ADD COLUMN token_file TEXT;
ALTER TABLE route ADD COLUMN token_endpoint TEXT;
ALTER TABLE route ADD COLUMN token_scope TEXT;
ALTER TABLE route ADD COLUMN client_id TEXT;
ALTER TABLE route ADD COLUMN client_secret BLOB;
ALTER TABLE route ADD COLUMN refresh_token BLOB;
-- certificate, certificate_key: PEM.
ALTER TABLE route ADD COLUMN certificate TEXT;
ALTER TABLE route ADD COLUMN certificate_key BLOB;
