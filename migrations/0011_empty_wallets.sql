-- Why: an empty wallet is told to the owners in one account message for each event. It is no event of its
-- own any more, with a delivery to every mail contact.
DELETE FROM deliveries WHERE event = 'wallet.empty';
