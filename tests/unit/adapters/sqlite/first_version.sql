BEGIN TRANSACTION;
CREATE TABLE documents (
            tenant TEXT NOT NULL,
            user TEXT NOT NULL,
            kind TEXT NOT NULL,
            id TEXT NOT NULL,
            version INTEGER NOT NULL,
            body BLOB NOT NULL,
            updated_at INTEGER NOT NULL,  -- microseconds since 1970
            PRIMARY KEY (tenant, user, kind, id)
        );
INSERT INTO "documents" VALUES('acme','ana','profile','main',1,CAST('{}' AS BLOB),1772366401000000);
CREATE TABLE event_dead_letters (seq INTEGER PRIMARY KEY REFERENCES events, payload BLOB NOT NULL);
INSERT INTO "event_dead_letters" VALUES(2,CAST('{"type":"turns","v":1,"event_id":"dead","tenant_id":"acme","user_id":"ana","messages":[{"role":"user","content":"I like tea 🍵","timestamp":"2026-03-01T12:00:00.000250Z"}],"source":"api","accepted_at":"2026-03-01T12:00:00.000250Z"}' AS BLOB));
CREATE TABLE event_queue (
            seq INTEGER PRIMARY KEY REFERENCES events,
            due_at INTEGER,                 -- NULL: handed out
            payload BLOB NOT NULL
        );
INSERT INTO "event_queue" VALUES(3,NULL,CAST('{"type":"turns","v":1,"event_id":"held","tenant_id":"acme","user_id":"ana","messages":[{"role":"user","content":"I like tea 🍵","timestamp":"2026-03-01T12:00:00.000250Z"}],"source":"api","accepted_at":"2026-03-01T12:00:00.000250Z"}' AS BLOB));
INSERT INTO "event_queue" VALUES(4,1772366401000000,CAST('{"type":"turns","v":1,"event_id":"queued","tenant_id":"acme","user_id":"ana","messages":[{"role":"user","content":"I like tea 🍵","timestamp":"2026-03-01T12:00:00.000250Z"}],"source":"api","accepted_at":"2026-03-01T12:00:00.000250Z"}' AS BLOB));
CREATE TABLE events (
            seq INTEGER PRIMARY KEY,
            tenant TEXT NOT NULL,
            user TEXT NOT NULL,
            event_id TEXT NOT NULL,
            content_hash TEXT NOT NULL,
            pages INTEGER NOT NULL,         -- how many memory ids the event has
            published_at INTEGER NOT NULL,  -- microseconds since 1970, as all times
            settled_at INTEGER,             -- when it was stored or buried
            attempts INTEGER NOT NULL DEFAULT 0,
            error TEXT,
            UNIQUE (tenant, user, event_id)
        );
INSERT INTO "events" VALUES(1,'acme','ana','stored','3be19b9bac7734b777c0ad7ede901f44',1,1772366401000000,1772366401000000,1,NULL);
INSERT INTO "events" VALUES(2,'acme','ana','dead','3be19b9bac7734b777c0ad7ede901f44',1,1772366401000000,1772366401000000,1,'no');
INSERT INTO "events" VALUES(3,'acme','ana','held','3be19b9bac7734b777c0ad7ede901f44',1,1772366401000000,NULL,0,NULL);
INSERT INTO "events" VALUES(4,'acme','ana','queued','3be19b9bac7734b777c0ad7ede901f44',1,1772366401000000,NULL,0,NULL);
CREATE TABLE removed_turns (
            tenant TEXT NOT NULL,
            user TEXT NOT NULL,
            id TEXT NOT NULL,
            PRIMARY KEY (tenant, user, id)
        ) WITHOUT ROWID;
INSERT INTO "removed_turns" VALUES('acme','ana','2b8e4a03-6b07-828e-a0c2-611928b12d77');
CREATE TABLE schema_versions (name TEXT PRIMARY KEY, version INTEGER NOT NULL);
INSERT INTO "schema_versions" VALUES('short_term',4);
INSERT INTO "schema_versions" VALUES('events',4);
INSERT INTO "schema_versions" VALUES('documents',1);
CREATE TABLE turns (
            tenant TEXT NOT NULL,
            user TEXT NOT NULL,
            id TEXT NOT NULL,
            session TEXT NOT NULL,          -- empty: a turn of no session
            timestamp INTEGER NOT NULL,     -- this and the next two give the order
            accepted_at INTEGER NOT NULL,
            place INTEGER NOT NULL,
            indexed INTEGER NOT NULL,
            page BLOB NOT NULL,             -- JSON
            PRIMARY KEY (tenant, user, id)
        );
INSERT INTO "turns" VALUES('acme','ana','0402ade9-c081-8771-9b7d-4fa7d42ec7af','s1',1772366400000250,1772366400000250,0,1,CAST('{"kind":"page","id":"0402ade9-c081-8771-9b7d-4fa7d42ec7af","scope":{"tenant_id":"acme","user_id":"ana"},"event_id":"tea","index":0,"role":"user","text":"tea","timestamp":"2026-03-01T12:00:00.000250Z","accepted_at":"2026-03-01T12:00:00.000250Z","content_hash":"c0ffee","source":"api","name":"Ana","session_id":"s1","agent_id":null,"metadata":{"mood":"fine"},"partial":false,"sensitive":false,"superseded":false}' AS BLOB));
INSERT INTO "turns" VALUES('acme','ana','d84ccc54-1a5a-8b3d-9637-eff59e7feedf','s1',1772366401000250,1772366400000250,0,0,CAST('{"kind":"page","id":"d84ccc54-1a5a-8b3d-9637-eff59e7feedf","scope":{"tenant_id":"acme","user_id":"ana"},"event_id":"coffee","index":0,"role":"user","text":"coffee","timestamp":"2026-03-01T12:00:01.000250Z","accepted_at":"2026-03-01T12:00:00.000250Z","content_hash":"c0ffee","source":"api","name":null,"session_id":"s1","agent_id":null,"metadata":{},"partial":false,"sensitive":false,"superseded":false}' AS BLOB));
CREATE INDEX turns_of_session ON turns (tenant, user, session, timestamp, accepted_at, place, id);
CREATE INDEX turns_not_indexed ON turns (tenant, user, timestamp, accepted_at, place, id)
            WHERE indexed = 0;
CREATE INDEX event_queue_due ON event_queue (due_at);
COMMIT;
