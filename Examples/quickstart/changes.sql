-- A week later. After these changes a run sends 25 rows, and exactly three rows do not arrive, for two reasons.
--
--   sqlite3 data/acme.db < changes.sql

BEGIN;

-- 13 accounts bought seats.
UPDATE accounts SET seats = seats + 5, updated_at = '2026-12-01T08:00:00Z'
WHERE id BETWEEN 1010 AND 1130 AND id % 10 = 0;

-- 6 people were promoted.
UPDATE people SET title = 'Vice President' WHERE id BETWEEN 50100 AND 50600 AND id % 100 = 0;

-- 3 accounts and 2 people are new.
INSERT INTO accounts (id, crm_id, name, plan, seats, mrr, updated_at) VALUES
    (2201, 'CRM-71201', 'Orchard Analytics', 'Team', 12, 108.0, '2026-12-01T09:00:00Z'),
    (2202, 'CRM-71202', 'Saffron Foods', 'Business', 40, 580.0, '2026-12-01T09:05:00Z'),
    (2203, 'CRM-71203', 'Tundra Travel', 'Free', 3, 0.0, '2026-12-01T09:10:00Z');
INSERT INTO people (id, account_id, email, first_name, last_name, title) VALUES
    (53001, 2201, 'ida.lind@orchard-analytics.example', 'Ida', 'Lind', 'Founder'),
    (53002, 2202, 'kwame.boateng@saffron-foods.example', 'Kwame', 'Boateng', 'Head of Operations');

-- An account left, and its two people with it. Update-or-create removes nothing at the destination.
DELETE FROM people WHERE account_id = 2000;
DELETE FROM accounts WHERE id = 2000;

-- Refused by Planhat: somebody typed account 1900's CRM id into account 1800, and a sourceId belongs to one company.
UPDATE accounts SET crm_id = (SELECT crm_id FROM accounts WHERE id = 1900), updated_at = '2026-12-01T10:00:00Z'
WHERE id = 1800;

-- Two rows with one key: account 1500 was entered a second time. Sluice sends neither.
INSERT INTO accounts (id, crm_id, name, plan, seats, mrr, updated_at) VALUES
    (1500, 'CRM-71500', 'Acme Copy and Paste', 'Team', 1, 9.0, '2026-12-01T11:00:00Z');

COMMIT;
