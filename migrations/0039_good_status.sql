-- The status of good answers is one of the sides that are remembered.
ALTER TABLE answer_changes
    DROP CONSTRAINT answer_changes_aspect_check,
    ADD CONSTRAINT answer_changes_aspect_check
        CHECK (aspect IN ('addresses', 'records', 'certificate', 'status', 'server', 'leads', 'title'));
