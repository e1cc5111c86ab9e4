-- Acme's product database: 1,200 customer accounts and 3,000 people who use them. Always the same rows.
--
--   mkdir -p data && sqlite3 data/acme.db < make-data.sql
--
-- accounts has no primary key, as the tables people sync from often have none: changes.sql uses that.

BEGIN;

DROP TABLE IF EXISTS accounts;
CREATE TABLE accounts (
    id           INTEGER NOT NULL,  -- 1001 to 2200
    crm_id       TEXT,              -- the same account in the CRM
    name         TEXT,
    plan         TEXT,
    seats        INTEGER,
    mrr          REAL,              -- monthly recurring revenue, in dollars
    csm_email    TEXT,              -- who looks after it
    renewal_date TEXT,
    phone        TEXT,              -- unknown for every seventh account
    updated_at   TEXT
);

DROP TABLE IF EXISTS people;
CREATE TABLE people (
    id         INTEGER PRIMARY KEY, -- 50001 to 53000
    account_id INTEGER,
    email      TEXT,
    first_name TEXT,
    last_name  TEXT,
    title      TEXT
);

-- A name for each account: 40 first words x 30 second words.
WITH RECURSIVE
    numbers(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM numbers WHERE n < 1199),
    first_words(words) AS (VALUES (json_array(
        'Amber', 'Anchor', 'Aspen', 'Atlas', 'Beacon', 'Birch', 'Blue', 'Bright', 'Cedar', 'Clear',
        'Cobalt', 'Copper', 'Coral', 'Crown', 'Delta', 'Ember', 'Falcon', 'Fern', 'Golden', 'Granite',
        'Harbor', 'Hazel', 'Iron', 'Juniper', 'Lake', 'Linden', 'Lunar', 'Maple', 'Meadow', 'Nordic',
        'North', 'Oak', 'Pine', 'Prairie', 'Quartz', 'River', 'Silver', 'Stone', 'Summit', 'Willow'))),
    second_words(words) AS (VALUES (json_array(
        'Analytics', 'Bank', 'Biotech', 'Books', 'Clinics', 'Coffee', 'Construction', 'Dairy', 'Dental', 'Design',
        'Energy', 'Farms', 'Films', 'Foods', 'Freight', 'Games', 'Hotels', 'Insurance', 'Labs', 'Legal',
        'Logistics', 'Media', 'Mobility', 'Motors', 'Robotics', 'Schools', 'Software', 'Sports', 'Textiles', 'Travel'
    ))),
    drawn AS (
        SELECT
            n,
            json_extract(first_words.words, '$[' || (n % 40) || ']') || ' '
                || json_extract(second_words.words, '$[' || (n / 40) || ']') AS name,
            n * 7919 % 10 AS luck,
            5 + n * 37 % 196 AS seats
        FROM numbers, first_words, second_words
    )
INSERT INTO accounts
SELECT
    1001 + n,
    printf('CRM-%05d', 70000 + n),
    name,
    CASE WHEN luck < 4 THEN 'Team' WHEN luck < 7 THEN 'Business' WHEN luck < 9 THEN 'Enterprise' ELSE 'Free' END,
    seats,
    CASE WHEN luck < 4 THEN seats * 9.0 WHEN luck < 7 THEN seats * 14.5 WHEN luck < 9 THEN seats * 22.0 ELSE 0.0 END,
    CASE n % 3 WHEN 0 THEN 'anna.berg' WHEN 1 THEN 'joao.silva' ELSE 'mei.tanaka' END || '@example.com',
    date('2027-01-01', '+' || (n * 11 % 365) || ' days'),
    CASE WHEN n % 7 = 0 THEN NULL ELSE printf('+1 555 01%02d %04d', n % 100, n) END,
    strftime('%Y-%m-%dT%H:%M:%SZ', '2026-10-01', '+' || (n * 61) || ' minutes')
FROM drawn;

-- Two or three people for each account; 50 first names x 60 last names.
WITH RECURSIVE
    numbers(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM numbers WHERE n < 2999),
    first_names(words) AS (VALUES (json_array(
        'Ada', 'Aiko', 'Alma', 'Amir', 'Astrid', 'Beatriz', 'Bruno', 'Carla', 'Chidi', 'Clara',
        'Dario', 'Diana', 'Elif', 'Emil', 'Esther', 'Farah', 'Felix', 'Freya', 'Gita', 'Hana',
        'Hugo', 'Ines', 'Ivan', 'Jonas', 'Julia', 'Kofi', 'Lars', 'Leila', 'Linh', 'Lucia',
        'Marco', 'Maya', 'Mila', 'Nadia', 'Nils', 'Noor', 'Olga', 'Omar', 'Paula', 'Petra',
        'Rafael', 'Ravi', 'Rosa', 'Samir', 'Sofia', 'Tara', 'Tomas', 'Vera', 'Yusuf', 'Zoe'))),
    last_names(words) AS (VALUES (json_array(
        'Adeyemi', 'Almeida', 'Andersen', 'Bauer', 'Becker', 'Bianchi', 'Castro', 'Chen', 'Costa', 'Dahl',
        'Diaz', 'Dubois', 'Eriksen', 'Fischer', 'Fontaine', 'Garcia', 'Gomez', 'Gupta', 'Haddad', 'Hansen',
        'Hoffmann', 'Ibrahim', 'Ito', 'Jensen', 'Kaya', 'Keller', 'Khan', 'Kim', 'Kowalski', 'Larsen',
        'Lopez', 'Marino', 'Meyer', 'Moreau', 'Nakamura', 'Nguyen', 'Novak', 'Okafor', 'Olsen', 'Park',
        'Patel', 'Pereira', 'Petrov', 'Reyes', 'Ricci', 'Rossi', 'Santos', 'Sato', 'Schmidt', 'Silva',
        'Singh', 'Tanaka', 'Torres', 'Vargas', 'Virtanen', 'Wagner', 'Weber', 'Wong', 'Yilmaz', 'Zhang'))),
    titles(words) AS (VALUES (json_array(
        'Head of Operations', 'Product Manager', 'Analyst', 'Chief Technology Officer', 'Office Manager',
        'Team Lead', 'Finance Director', 'Support Specialist'))),
    drawn AS (
        SELECT
            n,
            1001 + n % 1200 AS account_id,
            json_extract(first_names.words, '$[' || (n % 50) || ']') AS first_name,
            json_extract(last_names.words, '$[' || (n / 50) || ']') AS last_name,
            json_extract(titles.words, '$[' || (n * 5 % 8) || ']') AS title
        FROM numbers, first_names, last_names, titles
    )
INSERT INTO people
SELECT
    50001 + n,
    account_id,
    lower(first_name || '.' || last_name || '@' || replace(accounts.name, ' ', '-') || '.example'),
    first_name,
    last_name,
    title
FROM drawn JOIN accounts ON accounts.id = account_id
ORDER BY n;

COMMIT;
