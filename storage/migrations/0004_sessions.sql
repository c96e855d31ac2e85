-- What accounting tells of a session beside what an import knows: its row there (empty where accounting does not tell of it), the framed
-- prefix, and the octets from the subscriber and to it.
ALTER TABLE sessions ADD COLUMN accounting_key TEXT;
ALTER TABLE sessions ADD COLUMN framed_prefix TEXT;
ALTER TABLE sessions ADD COLUMN input_octets INTEGER;
ALTER TABLE sessions ADD COLUMN output_octets INTEGER;
