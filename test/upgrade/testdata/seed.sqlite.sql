PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO goose_db_version VALUES(1,0,1,'2026-11-29 08:44:51');
INSERT INTO goose_db_version VALUES(2,1,1,'2026-11-29 08:44:51');
INSERT INTO goose_db_version VALUES(3,2,1,'2026-11-29 08:44:51');
INSERT INTO goose_db_version VALUES(4,3,1,'2026-11-29 08:44:51');
INSERT INTO goose_db_version VALUES(5,5,1,'2026-11-29 08:44:51');
INSERT INTO goose_db_version VALUES(6,6,1,'2026-11-29 08:44:51');
INSERT INTO goose_db_version VALUES(7,7,1,'2026-11-29 08:44:51');
INSERT INTO goose_db_version VALUES(8,9,1,'2026-11-29 08:44:51');
INSERT INTO goose_db_version VALUES(9,10,1,'2026-11-29 08:44:51');
INSERT INTO goose_db_version VALUES(10,11,1,'2026-11-29 08:44:51');
CREATE TABLE installation (
    id           BIGINT PRIMARY KEY CHECK (id = 1),
    prefix       TEXT   NOT NULL,
    merchant_ids TEXT   NOT NULL CHECK (merchant_ids IN ('number', 'text')),
    lineage      BIGINT NOT NULL,
    created_at   BIGINT NOT NULL
);
INSERT INTO installation VALUES(1,'tw','number',1,1795941891228);
CREATE TABLE environments (
    position  BIGINT PRIMARY KEY,
    name      TEXT   NOT NULL UNIQUE,
    issuer    TEXT   NOT NULL UNIQUE,
    algorithm TEXT   NOT NULL
);
INSERT INTO environments VALUES(0,'demo','https://auth.example.com/demo','ES256');
INSERT INTO environments VALUES(1,'production','https://auth.example.com/production','ES256');
INSERT INTO environments VALUES(2,'platform','https://auth.example.com/platform','ES256');
CREATE TABLE root_keys (
    id         BIGINT PRIMARY KEY,
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
);
INSERT INTO root_keys VALUES(1,X'46b70a52dc71b3fd5750eaa57c4097d49926b884a8b702e052591d0157bc9e4c555bd6a3b3c9cae12cd983055904756c29c12a9c9973269e5027bd79',1795941891228);
CREATE TABLE signing_keys (
    kid          TEXT   PRIMARY KEY,
    env          TEXT   NOT NULL REFERENCES environments (name),
    algorithm    TEXT   NOT NULL,
    status       TEXT   NOT NULL,
    root_key_id  BIGINT NOT NULL REFERENCES root_keys (id),
    sealed       BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    activated_at BIGINT NOT NULL
, retired_at BIGINT NOT NULL DEFAULT 0, removed_at BIGINT NOT NULL DEFAULT 0, ripe_at    BIGINT NOT NULL DEFAULT 0, wanted_at  BIGINT NOT NULL DEFAULT 0, keep_for   BIGINT NOT NULL DEFAULT 0);
INSERT INTO signing_keys VALUES('Vvw8tkEkDwXlLeIQU9sCDXwLsZzd4OU2e4kzmXdDjio','demo','ES256','retired',1,X'880e27c4d2a652248ce4001522301205bc6d9d0b2cf0fa17d11a16c9679b1ef6b1c43b9dabc6cc46314175c3bc3b8c5bf2ca9a70b196b943e0b0964ba5685e5a8cfca3abca8c841534a1dd39b6399bd604e49c59ce52419d836bfaf8bd9c2f6b99499d99877a27eae75802808c00ecb40d865acadd98edb78bf9b6c2ad0241b7a52276119fd14ee0d9e46ba026b6b05318544b205c8555c9e26a6782c6e0845cc883005b18f4',1795941891228,1795941891228,1795941894259,0,1795941891228,0,3602000);
INSERT INTO signing_keys VALUES('0zPpJBWODcsbEoz2glNvJHPJA69PYyIObQF9ycBu4uc','demo','ES256','active',1,X'3ff6c0894588220733d065614e6df13d63ce3991c4873d846d9ba39c48e79a8fcbd313a90286ac2287082608ad74c0e2713c4b62f7e17b2ea1f1b7e6ba0eb27f59f4af4d20bf9b373561f14ead4cea76c1a9a35787dabdbcaeccd05455c7e7b6801ccacd37fa59a4399e5a26c90c80dcae85d08f7626e87cc93d4cb18c33a48cdf99e43dee1d7ea1fe43034b1edc14c1818732d7c511865c87995480b0289ae2c06049193341',1795941891228,1795941894259,0,0,1795941894228,1795941892132,3602000);
INSERT INTO signing_keys VALUES('V0rPbNszz5sMl82BQgUG6Qk4QmFMudQJkyX6aI39ExU','production','ES256','revoked',1,X'',1795941891228,1795941891228,0,1795941894323,1795941891228,0,3602000);
INSERT INTO signing_keys VALUES('xhub523qrMqyYkBAvYZ9EnFZMn6vogxzpHX87e1JGwU','production','ES256','active',1,X'407eae2edfa618b11d238be86bf3709a82747debc58bc217bd8c7c72262d5053f0f210461f8cc33bd8bcb91e87845145b4c95eb857a0cbcfe43103d3f4e1e83564a7507079bc5d5fec429a99c85d601f7b8eed78f32fd9fdc612618a691ed9c80148586775a2f21eec4ee1149fdf2ef46ba373de1ff56101ca23d6365b7698cab9f67799bcfdb72bbf3dc588622b9bf8ffb5628e7c25df4705981cc18d085591aefa827aa396',1795941891228,1795941894323,0,0,1795941894228,0,3602000);
INSERT INTO signing_keys VALUES('xrTdCME9qLdIROWxSPA3khOX1k_QUtI-q-3lzFypyfs','platform','ES256','active',1,X'86edb37dde3a9979c8c26bbf9d267d292ac56223f2808c0a7ec20d27357c57f5aaf67a18d2573dc11cb931f6693dff6687249e5babca3eba57c4a01339a98cc6d8126894b16b35bd0a4f04b5dd8e994bc1650aa64ad231b8ed54fa5f9a6bc3a280686c9903c2ffe2a19e660849fdadaab7d6d2ca54f0ab91ca95f501c210ee935c98e354b5d65614aa37cb67d536cb7bb41df81f4e1460ad1952dd0e2fe3bac1bccc38b97b49',1795941891228,1795941891228,0,0,1795941891228,0,3602000);
INSERT INTO signing_keys VALUES('B3DvtTxt3gNLDA8CLZa7pTPIgC8K7TVqIDa5uyx0ens','platform','ES256','announced',1,X'a3242a681621cc4d4443bafe5036be5103569b2eaee3200ea18813d63c8a5cb3d76eaa58d8d47aadeb7ee35f89294fba0e83cc771920457f9eed5a3d185338df8c3a8937413a52717aa18776f2b39f3d715e3284335d1aab9c70d0ff995b0c1598b9bbcd777b746238530c50e4778cfa2970bd7362e6f3b8b3d88245df4f26ecaf6907f633a32e3d230fd6e421f290fe340400c63962a8207a344e65079fb53814f56f5a000a',1795941891228,0,0,0,1795941894228,0,0);
INSERT INTO signing_keys VALUES('vNnGu_hJHvmcW7P49OtIUQirt8qOCNTkVRBdQZrB3xo','demo','ES256','announced',1,X'b6272defa72bdeaad1f3f027d33b3c16c9890362d2f4ce134b90f94937a035f68f9efe79b69dfc73762e6d18fef28679b1dba54e0eac87d1a990d2e39d8bd91a452ca963940f7d53dda192abfa930201fdbc0205ec9317952c0e624c6fd69c52e127925eafde43b8fdc77f2429b07bf0ae2aa84ce8389c34c2ad75295cee850a2caf6e6800ed8e5e187058f78aaab7bf98c8e77724ab8f70047ca1dcdf91ae3c629423feb4f9',1795941892133,0,0,0,1795941895133,0,0);
INSERT INTO signing_keys VALUES('rG3-oo2TCu8rK0j5LpQQY4iGmnMFbbjy-Xid1QuYxDI','production','ES256','announced',1,X'e280f7d6ded7e2c2d119afae00419ca3ff5474931cf40840800a8a1d06cbc6bcfe150a18b30914075d2c90b614c7750b608b12886d96c1b0d923f4ee87f8219be109a82f723f82ea73160b1e95ef822b5888d60313b083699dfb7e1d290d20b5af686c7535eb4b3a318e427f80c827b38147ee0dc54612555b1d566a2830a9155552fbc53963f160cbbe7676b3695227ca8e8022d6ae6057083b500138a20d6f12d2f372cabd',1795941894325,0,0,0,1795941897325,0,0);
CREATE TABLE merchants (
    id         TEXT   PRIMARY KEY,
    name       TEXT   NOT NULL,
    status     TEXT   NOT NULL CHECK (status IN ('active', 'suspended', 'deleted')),
    key_limit  BIGINT NOT NULL CHECK (key_limit >= 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version    BIGINT NOT NULL
);
INSERT INTO merchants VALUES('4259','Acme','active',100,1795941891269,1795941891537,2);
INSERT INTO merchants VALUES('4260','Bolt, suspended','suspended',3,1795941891554,1795941891983,2);
INSERT INTO merchants VALUES('4261','Cork, deleted','deleted',3,1795941891571,1795941892033,2);
CREATE TABLE scopes (
    name        TEXT   PRIMARY KEY,
    description TEXT   NOT NULL,
    resource    TEXT   NOT NULL,
    created_at  BIGINT NOT NULL
);
INSERT INTO scopes VALUES('customers:read','Look up customers','',1795941891287);
INSERT INTO scopes VALUES('customers:write','Create and change customers','',1795941891304);
CREATE TABLE api_keys (
    id             TEXT   PRIMARY KEY,
    merchant_id    TEXT   REFERENCES merchants (id), -- NULL for operator keys
    env            TEXT   NOT NULL REFERENCES environments (name),
    name           TEXT   NOT NULL,
    description    TEXT   NOT NULL,
    scopes         TEXT   NOT NULL,
    status         TEXT   NOT NULL CHECK (status IN ('active', 'disabled', 'deleted')),
    generation     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    created_by     TEXT   NOT NULL,
    updated_at     BIGINT NOT NULL,
    version        BIGINT NOT NULL,
    last_secret_id BIGINT NOT NULL
, allowed_cidrs TEXT NOT NULL DEFAULT '');
INSERT INTO api_keys VALUES('twc_demo_UJyxC1S8DgOjVcqBtYmHJG','4259','demo','at work','','customers:read','active',1795941891,0,1795941891601,'cli:root@vm',1795941891601,1,1,'');
INSERT INTO api_keys VALUES('twc_production_fSvBb3jO5QpGseZuTOSwnJ','4259','production','at work in production','As it was: ä, €, ''quoted'' and "quoted"','customers:read','active',1795941891,1803717891613,1795941891618,'cli:root@vm',1795941891618,1,1,'');
INSERT INTO api_keys VALUES('twc_demo_qo9mVOgtzu7hjv4bxN7W44','4259','demo','retired, with an overlap','','customers:read','active',1795941891,0,1795941891634,'cli:root@vm',1795941891656,2,2,'');
INSERT INTO api_keys VALUES('twc_production_KyURRTYCE70AcmymID7ndP','4259','production','retired without an overlap','','customers:read','active',1795941891,0,1795941891673,'cli:root@vm',1795941891691,2,2,'');
INSERT INTO api_keys VALUES('twc_demo_gBJIkjn4bTfD1M2y8R16RK','4259','demo','disabled','','customers:read','disabled',1795941892,0,1795941891707,'cli:root@vm',1795941891725,2,1,'');
INSERT INTO api_keys VALUES('twc_demo_k7kKESwOgAiSLef744rN9L','4259','demo','enabled again','','customers:read','active',1795941892,0,1795941891743,'cli:root@vm',1795941891778,3,1,'');
INSERT INTO api_keys VALUES('twc_demo_rx7hBn2D9sVS9AyVjWAPbF','4259','demo','deleted','','customers:read','deleted',1795941892,0,1795941891794,'cli:root@vm',1795941891810,2,1,'');
INSERT INTO api_keys VALUES('twc_demo_P84lJXxkkhHFCw06SdwAvG','4259','demo','from a network that is elsewhere','','customers:read','active',1795941891,0,1795941891827,'cli:root@vm',1795941891827,1,1,'192.0.2.0/24');
INSERT INTO api_keys VALUES('twc_demo_1oGFXMgifcBio6T8CyTnGl','4259','demo','without scopes','','','active',1795941891,0,1795941891840,'cli:root@vm',1795941891858,2,1,'');
INSERT INTO api_keys VALUES('twc_demo_6PPDCDf7drCpogsNbNo6Pc','4259','demo','whose tokens were revoked','','customers:read','active',1795941892,0,1795941891874,'cli:root@vm',1795941891893,2,1,'');
INSERT INTO api_keys VALUES('twc_demo_XzIbe9BpKfErW0Bij3iBQ6','4259','demo','of a scope that is gone','','customers:read','active',1795941891,0,1795941891909,'cli:root@vm',1795941891932,2,1,'');
INSERT INTO api_keys VALUES('twc_demo_UVyF8Yv5vOlt6y9gRv1Nyd','4260','demo','of a suspended merchant','','customers:read','active',1795941892,0,1795941891966,'cli:root@vm',1795941891966,2,1,'');
INSERT INTO api_keys VALUES('twc_demo_MB8ynajOiNxmpIalqEEVMG','4261','demo','of a deleted merchant','','customers:read','deleted',1795941893,0,1795941892002,'cli:root@vm',1795941892018,2,1,'');
INSERT INTO api_keys VALUES('twc_demo_YW8qCEInOxNw75Ugy4brml','4259','demo','expired','','customers:read','active',1795941892,1795941894000,1795941892048,'cli:root@vm',1795941892048,1,1,'');
INSERT INTO api_keys VALUES('twc_demo_I8U3DcieJmXUokuGu5o9yy','4259','demo','leaked','','customers:read','active',1795941893,0,1795941892066,'cli:root@vm',1795941892100,2,1,'');
INSERT INTO api_keys VALUES('twc_platform_LLMtpttyij1PASR0qMeRzE',NULL,'platform','Operations','','merchants:read tokens:introspect','active',1795941892,0,1795941892089,'cli:root@vm',1795941892089,1,1,'');
CREATE TABLE secrets (
    api_key_id  TEXT   NOT NULL REFERENCES api_keys (id),
    id          BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    hint        TEXT   NOT NULL,
    hash        BYTEA  NOT NULL,
    root_key_id BIGINT NOT NULL REFERENCES root_keys (id),
    created_at  BIGINT NOT NULL,
    created_by  TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL, retired_at BIGINT NOT NULL DEFAULT 0, leaked_at BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (api_key_id, id)
);
INSERT INTO secrets VALUES('twc_demo_UJyxC1S8DgOjVcqBtYmHJG',1,'','tdnV',X'63c00b08e980ea705d8d10dfd657edd4a3956897db0f36c97b1c64fa901f2736',1,1795941891601,'cli:root@vm',0,0,0);
INSERT INTO secrets VALUES('twc_production_fSvBb3jO5QpGseZuTOSwnJ',1,'','jjGT',X'0faa896ad79e79adaabd2603bc70b32b412cf13e7449c4906dfee79d3c73a10b',1,1795941891618,'cli:root@vm',0,0,0);
INSERT INTO secrets VALUES('twc_demo_qo9mVOgtzu7hjv4bxN7W44',1,'','BWYY',X'f2bd0136e9acf72ff6844da97cd3e55c69b8a4c3d9338d6cf85b3961afdde6bd',1,1795941891634,'cli:root@vm',1797669891656,1795941891656,0);
INSERT INTO secrets VALUES('twc_demo_qo9mVOgtzu7hjv4bxN7W44',2,'','hNTJ',X'9e0bcfbbdc30db28a4810ce673d37100ecf0a60b755cb8f961ab12ee5d07dbfb',1,1795941891656,'cli:root@vm',0,0,0);
INSERT INTO secrets VALUES('twc_production_KyURRTYCE70AcmymID7ndP',1,'','wmhY',X'0f5f6bb388b9fb15f27e7f61acea1cd2d2fc77c39554eb005127b6c2a359e5e6',1,1795941891673,'cli:root@vm',1795941891691,1795941891691,0);
INSERT INTO secrets VALUES('twc_production_KyURRTYCE70AcmymID7ndP',2,'','nYhY',X'0804cd293aa52ebfde451ddd965f5e1c8b997d48e523aead54ee8e98882ebc69',1,1795941891691,'cli:root@vm',0,0,0);
INSERT INTO secrets VALUES('twc_demo_gBJIkjn4bTfD1M2y8R16RK',1,'','513m',X'48b692d09093d2fc2bfb859069907c8883015e02b28fc1143c30ae7127b2a0c9',1,1795941891707,'cli:root@vm',0,0,0);
INSERT INTO secrets VALUES('twc_demo_k7kKESwOgAiSLef744rN9L',1,'','UJ2L',X'2d9eead8eca3759c485b6974f66de31cdf9a7afd9296b6c708be8a041cf9c4d3',1,1795941891743,'cli:root@vm',0,0,0);
INSERT INTO secrets VALUES('twc_demo_P84lJXxkkhHFCw06SdwAvG',1,'','1xlB',X'6d736e9003217c67cd67cdf14d79e6183c47eab2c62d221a505e400c881f70e4',1,1795941891827,'cli:root@vm',0,0,0);
INSERT INTO secrets VALUES('twc_demo_1oGFXMgifcBio6T8CyTnGl',1,'','Uhh3',X'6ada1e8de5922d3793f24283f8e47ae3c7f5e0e7b34d7a28b8e5386eacec59ab',1,1795941891840,'cli:root@vm',0,0,0);
INSERT INTO secrets VALUES('twc_demo_6PPDCDf7drCpogsNbNo6Pc',1,'','yFY5',X'7b9451074995cb870041d7f1407271f76df47f7d8c1684f706ea86f506f4f253',1,1795941891874,'cli:root@vm',0,0,0);
INSERT INTO secrets VALUES('twc_demo_XzIbe9BpKfErW0Bij3iBQ6',1,'','Atr6',X'0d970784a986ebe05762ed516785a7e29d40c74284f01593aaecd1bab16e0983',1,1795941891909,'cli:root@vm',0,0,0);
INSERT INTO secrets VALUES('twc_demo_UVyF8Yv5vOlt6y9gRv1Nyd',1,'','UogF',X'88a6da47b6a540a94d6f2dde13a305d1dee1fe6795c544974e1c280045607b65',1,1795941891966,'cli:root@vm',0,0,0);
INSERT INTO secrets VALUES('twc_demo_YW8qCEInOxNw75Ugy4brml',1,'','bYvL',X'ad61b2ef1a9edbd6f0c5287928b7ed8d0a1d3fd188629ec91ed91f24d37d02e0',1,1795941892048,'cli:root@vm',0,0,0);
INSERT INTO secrets VALUES('twc_demo_I8U3DcieJmXUokuGu5o9yy',1,'','E2vG',X'74a89417922dd1ed7ace72e6031e093cd8fb23a57dbe1f07b79ab59612610c16',1,1795941892066,'cli:root@vm',1795941892100,1795941892100,1795941892100);
INSERT INTO secrets VALUES('twc_platform_LLMtpttyij1PASR0qMeRzE',1,'','Hxmo',X'd70e14f4f5c5cc6b2a44a9b678397ca6a12ca55e905ab6db1885b47230f3ec78',1,1795941892089,'cli:root@vm',0,0,0);
CREATE TABLE events (
    seq         BIGINT PRIMARY KEY,
    time        BIGINT NOT NULL,
    actor       TEXT   NOT NULL,
    address     TEXT   NOT NULL,
    request_id  TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    merchant_id TEXT   NOT NULL,
    env         TEXT   NOT NULL,
    details     TEXT   NOT NULL,
    root_key_id BIGINT NOT NULL,
    hash        BYTEA  NOT NULL
);
INSERT INTO events VALUES(1,1795941891228,'cli:root@vm','','','installation.created','tw','','','{"signingKeys":["demo=Vvw8tkEkDwXlLeIQU9sCDXwLsZzd4OU2e4kzmXdDjio","demo=0zPpJBWODcsbEoz2glNvJHPJA69PYyIObQF9ycBu4uc","production=V0rPbNszz5sMl82BQgUG6Qk4QmFMudQJkyX6aI39ExU","production=xhub523qrMqyYkBAvYZ9EnFZMn6vogxzpHX87e1JGwU","platform=xrTdCME9qLdIROWxSPA3khOX1k_QUtI-q-3lzFypyfs","platform=B3DvtTxt3gNLDA8CLZa7pTPIgC8K7TVqIDa5uyx0ens"]}',1,X'f79dd67702f63a7600d91b7b50d5e4038664d9bac1a61a01cdae181143566110');
INSERT INTO events VALUES(2,1795941891269,'cli:root@vm','','','merchant.created','4259','4259','','{"name":"Acme"}',1,X'5443ee16058e262a5d3b9ea41b5eca15bff83a368f75a455aa6deb6f5a5cd951');
INSERT INTO events VALUES(3,1795941891287,'cli:root@vm','','','scope.created','customers:read','','','{"description":"Look up customers","resource":""}',1,X'7b01514fdae851c270d6bfad96d06c7d7fec194933b34d6b1406ba27a72a4943');
INSERT INTO events VALUES(4,1795941891304,'cli:root@vm','','','scope.created','customers:write','','','{"description":"Create and change customers","resource":""}',1,X'093225e6aeac0e472efdee787d31e5ce2537954c19edac872ee6a6c20283ed9d');
INSERT INTO events VALUES(5,1795941891358,'user:usr_YmyQKMIFpIgsbXWs3aWDap','127.0.0.1','rJTclVGAT7BWEvUbV9iKPA','user.created','usr_YmyQKMIFpIgsbXWs3aWDap','','','{"link":"lnk_wJT5EkbZR45fHemlzgJhmr","operator":true}',1,X'5e09d7fa0af1fad28345001cac33c095ec671aef293fd724ffa3534f16b6c68f');
INSERT INTO events VALUES(6,1795941891376,'cli:root@vm','','','user.created','usr_96ZQBzTL92uqWICArsxt8P','4259','','{"memberships":{"4259":"administrator"}}',1,X'5b18fb86d6d1dc78960608d433b5414967fe8dabb8c2b9968fe4a86c4e5f4931');
INSERT INTO events VALUES(7,1795941891378,'cli:root@vm','','','user.reset','usr_96ZQBzTL92uqWICArsxt8P','4259','','{}',1,X'8041cb8e2eb36d13488e4b0a369e2494acc0e149d8a1da3f361ac08061f2a954');
INSERT INTO events VALUES(8,1795941891398,'cli:root@vm','','','user.created','usr_OFwpf0kPervwcXjAzgD1Ro','4259','','{"memberships":{"4259":"viewer"}}',1,X'8124eeac532c179e055ce181119702a3b2b230f195c5e6f64e8f0b169953fbb7');
INSERT INTO events VALUES(9,1795941891400,'cli:root@vm','','','user.reset','usr_OFwpf0kPervwcXjAzgD1Ro','4259','','{}',1,X'bf8ed01827964545b9116f39838f4b248575f1ceb857f6b5b0f595de684d5006');
INSERT INTO events VALUES(10,1795941891425,'cli:root@vm','','','user.created','usr_WUXijA8yzYvI1eKXKqPDzO','','','{"operator":true}',1,X'6126d078f3adddaf845af5e32756883d1074d314cec2821f69b921050fe86c76');
INSERT INTO events VALUES(11,1795941891429,'cli:root@vm','','','user.reset','usr_WUXijA8yzYvI1eKXKqPDzO','','','{}',1,X'69175ecbea0195174f8db0b74a66811fd5fb55f37cf8685fa38ae9003cfa115e');
INSERT INTO events VALUES(12,1795941891458,'cli:root@vm','','','user.disabled','usr_WUXijA8yzYvI1eKXKqPDzO','','','{}',1,X'68128dd4d076f5f55bd55915301c660b4b9d71b0b3eb99c036db497b1cf03f30');
INSERT INTO events VALUES(13,1795941891477,'cli:root@vm','','','user.created','usr_bstP8q8H8AZaMl1mn7JOIj','','','{"operator":true}',1,X'593bb25edae7cbd7a99b9daed955e1ca682354c075777042624722acbfb289be');
INSERT INTO events VALUES(14,1795941891479,'cli:root@vm','','','user.reset','usr_bstP8q8H8AZaMl1mn7JOIj','','','{}',1,X'292d25ea81f26abc692eba21b1871841c8420803f8f6676bfb233ca60f6dbc0b');
INSERT INTO events VALUES(15,1795941891497,'cli:root@vm','','','user.deleted','usr_bstP8q8H8AZaMl1mn7JOIj','','','{"operator":false}',1,X'643250889db2c7ee426dfb73b8ef79af4ff0bda5c63c5f221b24267b655c02ab');
INSERT INTO events VALUES(16,1795941891518,'cli:root@vm','','','portal_link.created','lnk_IG40hUKnPybdYmdj2OPR7a','4259','','{}',1,X'940f0589439d1c1dd3759700d183fbf226fc0c448ef39f04d7f1df5fecd7ff9a');
INSERT INTO events VALUES(17,1795941891537,'cli:root@vm','','','merchant.updated','4259','4259','','{"keyLimit":100}',1,X'a56d43c3c49a656ed9bedcfe0c847ea303e6087ce8490cb28aa73215b207387b');
INSERT INTO events VALUES(18,1795941891554,'cli:root@vm','','','merchant.created','4260','4260','','{"name":"Bolt, suspended"}',1,X'0a5848804e33a39769d39bee6da6556c1a2f7b409933be19527825cf9dae6782');
INSERT INTO events VALUES(19,1795941891571,'cli:root@vm','','','merchant.created','4261','4261','','{"name":"Cork, deleted"}',1,X'b952acfe32cc53e8c36062290e27b78e4a95de1e7655aea752835d852407c128');
INSERT INTO events VALUES(20,1795941891586,'cli:root@vm','','','scope.created','orders:read','','','{"description":"Look up orders","resource":""}',1,X'bf801285084c6b7a8cc32900d7adeac22e6069d9ce6edf2148f07c3f5d5372e5');
INSERT INTO events VALUES(21,1795941891601,'cli:root@vm','','','api_key.created','twc_demo_UJyxC1S8DgOjVcqBtYmHJG','4259','demo','{"description":"","name":"at work","scopes":["customers:read"]}',1,X'92da06e3ea047abfb935d1007933b9301bd2a4219f397fa1c9eaf1ebdb885932');
INSERT INTO events VALUES(22,1795941891618,'cli:root@vm','','','api_key.created','twc_production_fSvBb3jO5QpGseZuTOSwnJ','4259','production','{"description":"As it was: ä, €, ''quoted'' and \"quoted\"","expiresAt":"2027-02-27T08:44:51.613Z","name":"at work in production","scopes":["customers:read"]}',1,X'15f6de0d1682c64c84c4856ef50275bfd48b176f184b19b2d8dcd08fd00ce908');
INSERT INTO events VALUES(23,1795941891634,'cli:root@vm','','','api_key.created','twc_demo_qo9mVOgtzu7hjv4bxN7W44','4259','demo','{"description":"","name":"retired, with an overlap","scopes":["customers:read"]}',1,X'64387b6e2769430b42e834f816cc15be297b186905bb26bf24921ed8bb29d11d');
INSERT INTO events VALUES(24,1795941891656,'cli:root@vm','','','api_key.rotated','twc_demo_qo9mVOgtzu7hjv4bxN7W44','4259','demo','{"overlap":"480h0m0s","retired":[1],"secretId":2}',1,X'f58dc683a9a70bb5ec24a11e1d608725710556913ddd4343d5b4b3c58d0ed521');
INSERT INTO events VALUES(25,1795941891673,'cli:root@vm','','','api_key.created','twc_production_KyURRTYCE70AcmymID7ndP','4259','production','{"description":"","name":"retired without an overlap","scopes":["customers:read"]}',1,X'026c5f90aae244769fbf10c5f6dcb1ae46a43233ba0d234341cc5d3f076a1bae');
INSERT INTO events VALUES(26,1795941891691,'cli:root@vm','','','api_key.rotated','twc_production_KyURRTYCE70AcmymID7ndP','4259','production','{"overlap":"0s","retired":[1],"secretId":2}',1,X'f952b05bbaff752b970041593ec461ff956fc584150c978b86d84d5a910c5e84');
INSERT INTO events VALUES(27,1795941891707,'cli:root@vm','','','api_key.created','twc_demo_gBJIkjn4bTfD1M2y8R16RK','4259','demo','{"description":"","name":"disabled","scopes":["customers:read"]}',1,X'45b646e08816c39685dda59820eb2376a0caf07a3668a0622b8e6c845b266040');
INSERT INTO events VALUES(28,1795941891725,'cli:root@vm','','','api_key.disabled','twc_demo_gBJIkjn4bTfD1M2y8R16RK','4259','demo','{}',1,X'7f4aa4d42f2200e8b2ce4043c0f9a172d2bf18a1e5eb4736c6caa69c3cb995c4');
INSERT INTO events VALUES(29,1795941891743,'cli:root@vm','','','api_key.created','twc_demo_k7kKESwOgAiSLef744rN9L','4259','demo','{"description":"","name":"enabled again","scopes":["customers:read"]}',1,X'5590d63eeec7a5dd13d87acfb22fbb05c926eb78b6589429a3ee1cf62d312491');
INSERT INTO events VALUES(30,1795941891760,'cli:root@vm','','','api_key.disabled','twc_demo_k7kKESwOgAiSLef744rN9L','4259','demo','{}',1,X'973514c92912d0ab707152ae0872aa0b91a6c3c213de3cde688e70c32ad417ee');
INSERT INTO events VALUES(31,1795941891778,'cli:root@vm','','','api_key.enabled','twc_demo_k7kKESwOgAiSLef744rN9L','4259','demo','{}',1,X'c97edd55c4e8f8a2ca9376fdb0d609cf6e2d95c962708820fa76ecd9c1d34ee3');
INSERT INTO events VALUES(32,1795941891794,'cli:root@vm','','','api_key.created','twc_demo_rx7hBn2D9sVS9AyVjWAPbF','4259','demo','{"description":"","name":"deleted","scopes":["customers:read"]}',1,X'4cc2b8b80e7efd537b2b6bffdbfbf9abbdfc83d00193ab2eb46e01c90bdcc257');
INSERT INTO events VALUES(33,1795941891810,'cli:root@vm','','','api_key.deleted','twc_demo_rx7hBn2D9sVS9AyVjWAPbF','4259','demo','{"name":"deleted"}',1,X'34b6bcbafb4627a761f7aee959b693139335808533fb049fefaa3cefee7c1ccb');
INSERT INTO events VALUES(34,1795941891827,'cli:root@vm','','','api_key.created','twc_demo_P84lJXxkkhHFCw06SdwAvG','4259','demo','{"allowedCidrs":["192.0.2.0/24"],"description":"","name":"from a network that is elsewhere","scopes":["customers:read"]}',1,X'8a31a86ff050c5bef5e60f41e43e31f7168a4c00846b6b87f3f30320e770c954');
INSERT INTO events VALUES(35,1795941891840,'cli:root@vm','','','api_key.created','twc_demo_1oGFXMgifcBio6T8CyTnGl','4259','demo','{"description":"","name":"without scopes","scopes":["customers:read"]}',1,X'ff7f582cca4dabec9503f3bfce9ff21778c693776e459afc70b5834f1cd02792');
INSERT INTO events VALUES(36,1795941891858,'cli:root@vm','','','api_key.updated','twc_demo_1oGFXMgifcBio6T8CyTnGl','4259','demo','{"scopes":[]}',1,X'73516cc2582d774848744714db5851dd26dc7b9c1ee8f2d403c90f3fabfc0fca');
INSERT INTO events VALUES(37,1795941891874,'cli:root@vm','','','api_key.created','twc_demo_6PPDCDf7drCpogsNbNo6Pc','4259','demo','{"description":"","name":"whose tokens were revoked","scopes":["customers:read"]}',1,X'3017361c707eba442f0c9b5b4755025e3b6bd5e75e298551f722b4451a05dd3b');
INSERT INTO events VALUES(38,1795941891893,'cli:root@vm','','','api_key.updated','twc_demo_6PPDCDf7drCpogsNbNo6Pc','4259','demo','{"tokensRevoked":true}',1,X'd581e62ddad9938e49a8038fc74d1b2c597de1f46d32397e3d9cf0bc8fbb6ede');
INSERT INTO events VALUES(39,1795941891909,'cli:root@vm','','','api_key.created','twc_demo_XzIbe9BpKfErW0Bij3iBQ6','4259','demo','{"description":"","name":"of a scope that is gone","scopes":["customers:read","orders:read"]}',1,X'4f25d1f8400caa4cef0275e9c7fb262d1faf478c444c3f205c8d3a81f527f248');
INSERT INTO events VALUES(40,1795941891932,'cli:root@vm','','','api_key.updated','twc_demo_XzIbe9BpKfErW0Bij3iBQ6','4259','demo','{"scopes":["customers:read"]}',1,X'27c1afce0d50cf305c4a12e481e917b3aa1c70cfad788daa18bb5967f1bf9678');
INSERT INTO events VALUES(41,1795941891949,'cli:root@vm','','','scope.deleted','orders:read','','','{}',1,X'9c8c3c649ea6f223545794aeb05a478f73d632e7f6ef837e4242887ec9b69ddb');
INSERT INTO events VALUES(42,1795941891966,'cli:root@vm','','','api_key.created','twc_demo_UVyF8Yv5vOlt6y9gRv1Nyd','4260','demo','{"description":"","name":"of a suspended merchant","scopes":["customers:read"]}',1,X'16f8ada7ce2188428e4f6b4e99035ee6e95421ecd87dcc40f4f75e7f97d20f1c');
INSERT INTO events VALUES(43,1795941891983,'cli:root@vm','','','merchant.suspended','4260','4260','','{}',1,X'c5ef39069c23cf3a50dcee41e9bd5af9b0b73df6a4060809c83cc021acec3598');
INSERT INTO events VALUES(44,1795941892002,'cli:root@vm','','','api_key.created','twc_demo_MB8ynajOiNxmpIalqEEVMG','4261','demo','{"description":"","name":"of a deleted merchant","scopes":["customers:read"]}',1,X'99ea64b7868583390998d1536079159871939ed3f0fb299e7d9f1d1398ee99ec');
INSERT INTO events VALUES(45,1795941892018,'cli:root@vm','','','api_key.deleted','twc_demo_MB8ynajOiNxmpIalqEEVMG','4261','demo','{"name":"of a deleted merchant"}',1,X'8bc698ba884d62f62626f2b834446f255a965367326b28f9f60e26c200080340');
INSERT INTO events VALUES(46,1795941892033,'cli:root@vm','','','merchant.deleted','4261','4261','','{}',1,X'd5d9d4d8305e7adbf0091ca941bc13abbe4c70d74b804c391b2b7954a83e4bc9');
INSERT INTO events VALUES(47,1795941892048,'cli:root@vm','','','api_key.created','twc_demo_YW8qCEInOxNw75Ugy4brml','4259','demo','{"description":"","expiresAt":"2026-11-29T08:44:54Z","name":"expired","scopes":["customers:read"]}',1,X'250210e0a39e6f53ed15480d3eaf757a83fa8ccf0ba9704eab2e8bdb77d97501');
INSERT INTO events VALUES(48,1795941892066,'cli:root@vm','','','api_key.created','twc_demo_I8U3DcieJmXUokuGu5o9yy','4259','demo','{"description":"","name":"leaked","scopes":["customers:read"]}',1,X'7f313f93ce10e044013e2e5b70fe6ce8b32a3156b1ed5c817bb15ad0a99ce7fb');
INSERT INTO events VALUES(49,1795941892089,'cli:root@vm','','','api_key.created','twc_platform_LLMtpttyij1PASR0qMeRzE','','platform','{"description":"","name":"Operations","scopes":["merchants:read","tokens:introspect"]}',1,X'77fcb3168ae4f3b753a0a0b23a6f71730b4c3d157d4a3098aaf4dd35aa9e96d2');
INSERT INTO events VALUES(50,1795941892100,'anonymous','127.0.0.1','27x5StJ5ezqknly38r0BfA','secret.leaked','twc_demo_I8U3DcieJmXUokuGu5o9yy','4259','demo','{"expiresAt":"2026-11-29T08:44:52.1Z","secretId":1,"tokensRevoked":true,"url":"https://paste.example"}',1,X'9da5cda3e92bd80b9e558603c333f54d4893f04f91df9a97250c60667204bcc3');
INSERT INTO events VALUES(51,1795941892132,'cli:root@vm','','','signing_key.wanted','0zPpJBWODcsbEoz2glNvJHPJA69PYyIObQF9ycBu4uc','','demo','{"ripeAt":"2026-11-29T08:44:54.228Z"}',1,X'085594a4c44dad67a5580a9cf28e4f929cbb28006a821cb0f7cd47c7834f8dd5');
INSERT INTO events VALUES(52,1795941892134,'cli:root@vm','','','signing_key.announced','vNnGu_hJHvmcW7P49OtIUQirt8qOCNTkVRBdQZrB3xo','','demo','{"ripeAt":"2026-11-29T08:44:55.133Z"}',1,X'd782f090db7fa9625ac79913c14f945df16f1fd9283f9b2e5291b1d6a71ec36a');
INSERT INTO events VALUES(53,1795941894259,'system','','','signing_key.activated','0zPpJBWODcsbEoz2glNvJHPJA69PYyIObQF9ycBu4uc','','demo','{"retired":"Vvw8tkEkDwXlLeIQU9sCDXwLsZzd4OU2e4kzmXdDjio"}',1,X'409c48c7e2a80d501d327aac0d0ffcdb6d588274ea6662e00117eb8f500f3d92');
INSERT INTO events VALUES(54,1795941894323,'cli:root@vm','','','signing_key.revoked','V0rPbNszz5sMl82BQgUG6Qk4QmFMudQJkyX6aI39ExU','','production','{"activated":"xhub523qrMqyYkBAvYZ9EnFZMn6vogxzpHX87e1JGwU"}',1,X'25b7db969c3b156b3266052a257e3940796b4eba5dd7c1537ba7a0827feac616');
INSERT INTO events VALUES(55,1795941894325,'cli:root@vm','','','signing_key.announced','rG3-oo2TCu8rK0j5LpQQY4iGmnMFbbjy-Xid1QuYxDI','','production','{"ripeAt":"2026-11-29T08:44:57.325Z"}',1,X'3878d6fa9629ea3fac4f7db2de4dd8ed2758a9d828c914dcfa8e4a9e9b7b858f');
INSERT INTO events VALUES(56,1795941894350,'system','','','secret.retired_used','twc_demo_I8U3DcieJmXUokuGu5o9yy','4259','demo','{"address":"127.0.0.1","secretId":1,"usedAt":"2026-11-29T08:44:54.333Z"}',1,X'fa1ad9687d20e14fe9e159840c9b80c449895c6bbf8ac9f7d7dc4b0bf1168128');
INSERT INTO events VALUES(57,1795941894350,'system','','','secret.retired_used','twc_demo_qo9mVOgtzu7hjv4bxN7W44','4259','demo','{"address":"127.0.0.1","secretId":1,"usedAt":"2026-11-29T08:44:54.33Z"}',1,X'86a5cf6b4fb0ba283a5b26b09f649a9326fa791d481a3c3f129ca5a9acb1a7b4');
INSERT INTO events VALUES(58,1795941894351,'system','','','secret.retired_used','twc_production_KyURRTYCE70AcmymID7ndP','4259','production','{"address":"127.0.0.1","secretId":1,"usedAt":"2026-11-29T08:44:54.331Z"}',1,X'9b4b83086fe0cd6d02d7a57ae6112018e9d445fc626e30fc5bfce1463f360641');
INSERT INTO events VALUES(59,1795941894437,'system','','','secret.expiring','twc_demo_qo9mVOgtzu7hjv4bxN7W44','4259','demo','{"days":30,"expiresAt":"2026-12-19T08:44:51.656Z","secretId":1}',1,X'1b34010d039ff677ad68c526fcbc31246ecd989634a7f5cc93f79a6de2b1bf36');
INSERT INTO events VALUES(60,1795941894437,'system','','','signing_key.updated','xhub523qrMqyYkBAvYZ9EnFZMn6vogxzpHX87e1JGwU','','production','{"keepFor":"1h0m2s"}',1,X'1ceb07abd4a315e7297f5b2c1cbea0ba4609f11aac988c98daa7655f468b4457');
CREATE TABLE event_head (
    id   BIGINT PRIMARY KEY CHECK (id = 1),
    seq  BIGINT NOT NULL,
    hash BYTEA  NOT NULL
);
INSERT INTO event_head VALUES(1,60,X'1ceb07abd4a315e7297f5b2c1cbea0ba4609f11aac988c98daa7655f468b4457');
CREATE TABLE revocations (
    seq        BIGINT PRIMARY KEY,
    env        TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    jti        TEXT   NOT NULL,
    kid        TEXT   NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
INSERT INTO revocations VALUES(1,'demo','twc_demo_gBJIkjn4bTfD1M2y8R16RK',1795941892,'','',0,1795941891725);
INSERT INTO revocations VALUES(2,'demo','twc_demo_k7kKESwOgAiSLef744rN9L',1795941892,'','',0,1795941891760);
INSERT INTO revocations VALUES(3,'demo','twc_demo_rx7hBn2D9sVS9AyVjWAPbF',1795941892,'','',0,1795941891810);
INSERT INTO revocations VALUES(4,'demo','twc_demo_6PPDCDf7drCpogsNbNo6Pc',1795941892,'','',0,1795941891893);
INSERT INTO revocations VALUES(5,'demo','twc_demo_UVyF8Yv5vOlt6y9gRv1Nyd',1795941892,'','',0,1795941891983);
INSERT INTO revocations VALUES(6,'demo','twc_demo_MB8ynajOiNxmpIalqEEVMG',1795941893,'','',0,1795941892018);
INSERT INTO revocations VALUES(7,'demo','twc_demo_I8U3DcieJmXUokuGu5o9yy',1795941893,'','',0,1795941892100);
INSERT INTO revocations VALUES(8,'demo','twc_demo_UJyxC1S8DgOjVcqBtYmHJG',1795941891,'6-gldyBoSm8vFHpBL5K2FQ','',1795945492000,1795941892102);
INSERT INTO revocations VALUES(9,'production','',0,'','V0rPbNszz5sMl82BQgUG6Qk4QmFMudQJkyX6aI39ExU',0,1795941894323);
CREATE TABLE revocation_head (
    id  BIGINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL
);
INSERT INTO revocation_head VALUES(1,9);
CREATE TABLE usage (
    hour       BIGINT NOT NULL, -- Unix milliseconds of its beginning
    api_key_id TEXT   NOT NULL,
    secret_id  BIGINT NOT NULL,
    outcome    TEXT   NOT NULL,
    count      BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, hour, secret_id, outcome)
);
INSERT INTO usage VALUES(1795939200000,'twc_demo_1oGFXMgifcBio6T8CyTnGl',1,'scope_none',1);
INSERT INTO usage VALUES(1795939200000,'twc_demo_6PPDCDf7drCpogsNbNo6Pc',1,'issued',1);
INSERT INTO usage VALUES(1795939200000,'twc_demo_I8U3DcieJmXUokuGu5o9yy',1,'secret_expired',1);
INSERT INTO usage VALUES(1795939200000,'twc_demo_P84lJXxkkhHFCw06SdwAvG',1,'address_not_allowed',1);
INSERT INTO usage VALUES(1795939200000,'twc_demo_UJyxC1S8DgOjVcqBtYmHJG',1,'issued',2);
INSERT INTO usage VALUES(1795939200000,'twc_demo_UJyxC1S8DgOjVcqBtYmHJG',1,'authenticated',1);
INSERT INTO usage VALUES(1795939200000,'twc_demo_UVyF8Yv5vOlt6y9gRv1Nyd',1,'merchant_suspended',1);
INSERT INTO usage VALUES(1795939200000,'twc_demo_XzIbe9BpKfErW0Bij3iBQ6',1,'issued',1);
INSERT INTO usage VALUES(1795939200000,'twc_demo_YW8qCEInOxNw75Ugy4brml',1,'key_expired',1);
INSERT INTO usage VALUES(1795939200000,'twc_demo_gBJIkjn4bTfD1M2y8R16RK',1,'key_disabled',1);
INSERT INTO usage VALUES(1795939200000,'twc_demo_k7kKESwOgAiSLef744rN9L',1,'issued',1);
INSERT INTO usage VALUES(1795939200000,'twc_demo_qo9mVOgtzu7hjv4bxN7W44',1,'issued',1);
INSERT INTO usage VALUES(1795939200000,'twc_demo_qo9mVOgtzu7hjv4bxN7W44',2,'issued',1);
INSERT INTO usage VALUES(1795939200000,'twc_production_KyURRTYCE70AcmymID7ndP',1,'secret_expired',1);
INSERT INTO usage VALUES(1795939200000,'twc_production_KyURRTYCE70AcmymID7ndP',2,'issued',1);
INSERT INTO usage VALUES(1795939200000,'twc_production_fSvBb3jO5QpGseZuTOSwnJ',1,'issued',1);
INSERT INTO usage VALUES(1795939200000,'twc_platform_LLMtpttyij1PASR0qMeRzE',1,'issued',2);
INSERT INTO usage VALUES(1795939200000,'twc_demo_I8U3DcieJmXUokuGu5o9yy',1,'retired',1);
INSERT INTO usage VALUES(1795939200000,'twc_demo_qo9mVOgtzu7hjv4bxN7W44',1,'retired',1);
INSERT INTO usage VALUES(1795939200000,'twc_production_KyURRTYCE70AcmymID7ndP',1,'retired',1);
CREATE TABLE last_uses (
    api_key_id TEXT   NOT NULL,
    secret_id  BIGINT NOT NULL,
    at         BIGINT NOT NULL,
    address    TEXT   NOT NULL,
    PRIMARY KEY (api_key_id, secret_id)
);
INSERT INTO last_uses VALUES('twc_demo_1oGFXMgifcBio6T8CyTnGl',1,1795941894332,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_demo_6PPDCDf7drCpogsNbNo6Pc',1,1795941894332,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_demo_I8U3DcieJmXUokuGu5o9yy',1,1795941894333,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_demo_P84lJXxkkhHFCw06SdwAvG',1,1795941894332,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_demo_UJyxC1S8DgOjVcqBtYmHJG',1,1795941894329,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_demo_UVyF8Yv5vOlt6y9gRv1Nyd',1,1795941894333,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_demo_XzIbe9BpKfErW0Bij3iBQ6',1,1795941894333,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_demo_YW8qCEInOxNw75Ugy4brml',1,1795941894333,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_demo_gBJIkjn4bTfD1M2y8R16RK',1,1795941894332,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_demo_k7kKESwOgAiSLef744rN9L',1,1795941894332,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_demo_qo9mVOgtzu7hjv4bxN7W44',1,1795941894330,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_demo_qo9mVOgtzu7hjv4bxN7W44',2,1795941894331,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_production_KyURRTYCE70AcmymID7ndP',1,1795941894331,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_production_KyURRTYCE70AcmymID7ndP',2,1795941894331,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_production_fSvBb3jO5QpGseZuTOSwnJ',1,1795941894330,'127.0.0.1');
INSERT INTO last_uses VALUES('twc_platform_LLMtpttyij1PASR0qMeRzE',1,1795941894333,'127.0.0.1');
CREATE TABLE expiry_notices (
    api_key_id TEXT   NOT NULL,
    secret_id  BIGINT NOT NULL, -- 0 for the API key itself
    expires_at BIGINT NOT NULL,
    days       BIGINT NOT NULL, -- 30, 7 or 1
    PRIMARY KEY (api_key_id, secret_id, expires_at, days)
);
INSERT INTO expiry_notices VALUES('twc_demo_qo9mVOgtzu7hjv4bxN7W44',1,1797669891656,30);
CREATE TABLE schema_window (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    oldest BIGINT NOT NULL
);
INSERT INTO schema_window VALUES(1,3);
CREATE TABLE replies (
    id         BYTEA  PRIMARY KEY,
    request    BYTEA  NOT NULL, -- hash of what was asked for
    api_key_id TEXT   NOT NULL, -- what the answer is about; '' for no API key
    version    BIGINT NOT NULL, -- of that API key
    sealed     BYTEA  NOT NULL,
    created_at BIGINT NOT NULL
);
INSERT INTO replies VALUES(X'b72bd8af1fbf7a6fcdaff902a749f3e7b1f8d3f220264d8e8fffa1f86b98f5d3',X'f3e307082c222c37e83e2d9b7e6f67e9c0c2645bc0458d7e800c3bf77120c632','',0,X'36a1ca6427f414cea83f12c68583eeed0e55cf1ebdff08a74b4e2a5e5f8d82257179bbf31b513b65d39ed739b4aef540ec94aa31ddab476a16242ce60a7455d4d8ee7b0d4a8896101ef560b32085575f840e15d6e9ade8e37b5340eca38b3838aba16f22d24a1db109caae902f62d25c5f6bf9f66b6c113844f29a6fa5cbbd28fa3bc13acebfa84eed2af491583d3dee512996d2242b16351cc2ac993513b608c9b295dd4ee3284abc00a8849e1d4530270fd440d5b9bb12402a4ce43014ca2e9b76b80594418d406fc437144709d3699d080f39a0b4e13d7642e3187a5a715d9f61c7e02f43845de27084a21141daa2aac37dd3f1ea802712',1795941891269);
INSERT INTO replies VALUES(X'2b452e2138baccdb82b9943eaae6af9c5395f2f3242431316947aaf55b608e05',X'332276a3a4cdeaaf7719b6a8f33cdbbf3cac37ea5612cf929cc9b55e95a42960','',0,X'185f75a0072027cc7416fefde052cb0c5eaf0240a7c459d842023807e74af89568fbca57f12f834f48d9031bb2c8bf60979f0be546c9415ddf32b3b13c46aa8c8d2edeaea8ccf7e9c50723ebcf507409333f9c5e00fb25a5254e6bf57872a8fd40470807fdb73aa6388f945a45d9b5ae10cb577cc7349fe64d43714079f03e59cb482066cf14c09e5f2e8723adcd73ee50552d2b6a54522326dd4797e5af7ef2cb0b2214d89335b5a91b627a911ad1df83c269a3011359d65f35909b9945f33d5a',1795941891287);
INSERT INTO replies VALUES(X'e8c4c8667af57d8ebdee76258d52199e8cc0a05b18577248207fe90bf8158ca9',X'f956d122fdfaeda5b1bfa0d3dcff0cdc9fd13cd2206a473a70d4536197a340db','',0,X'35b0e11fde0518c40a9b1e507f71256c30af28f6dc458b0eb34a6965ec7359347e5bdfb8ca14604d4e05b639f74534f142764f70bf052a0c79905e2a73a1ebeb8af71e7861f48b41a48255b05495bdfc7d4c74ba160c693f4807b12c526383d01b74ddd3f3586d61a786dfaf3b89c1d77097663e1719cbc20a26e6271bdb089efaa9d3d18b1925dd1a04358dc6a859ed2285624b8ac3237c617de5e7853b29b1eee61ad169bc55746926691f851f51abe1c92b713da5cba57d123b696274305a8800ab50d32d229e1e86972f3b',1795941891304);
INSERT INTO replies VALUES(X'10980446dd73066dbb289f5d08213189f18567bb82ca1b062ccc2cf83aae1185',X'81961c1ef48eff4a5ee1469a4f7345013dffe2acf393c4f4f6cd2ca9534f1b55','',0,X'41f09babb96561173adbd397a38b69c7452023ed34873aa22eba6ed6cc3535342b5c6667438fedfdbb77d92b80bf1c7c545aa99ab24454ae99147f1e7c3ec61926212d3a1fbe44d92ddc1c5779e4ad7ddf4a48aba31f969e10ee6928bbe17294b8aeeac217c7101c07ab7997afde0cf1ff369001f7778b662af49985b52eb28cbb0648fc417e15f52a9f98f078af796d74e152aafbdbb60227f95e0b9d15a82a9ea33ad104291962902e8d912138c858c87cf1d31130f49df560e56914766d5b0eb7d07966cbade822101438c7b3e4b9f901d62239196e7b791ec422d182f27017bf46a17352b9cc094d43f1da959ec91dd963a50da915a5f8515b99ef0c8384dbdfb0b0ae42f183c801213d88cced6bf8233fe266405811b961f83a72ccdd2343bc1cfe2ab744e38e9ed9e1b235081180f54abccda57df3c353c48b6b6a9a53688dbd39b8ab2d102525434c2a427dca860ee3c0c926d97d8cc87c037b7b781de28d5a955963f4965b2c004687fc6a24c1eda30285eb9c729c1e3ad878897ae9f54e8f803a7dee3f2426acca8f65306e1ae64d51fb07b542ed68b4817df46e7a4b95ee10fd213a0fe636d059a33de68c521f4fe5fc52297e',1795941891376);
INSERT INTO replies VALUES(X'0a3231183be7481e742e15cbf6b8df9a33d200b9fc03f2bb0fefe63963cf5b68',X'456413d5f51689d69efb7a246d6b7a0c2db147cdb5666c6cb70076dc4337056a','',0,X'6019729d1bd0086788cfe4c63def0c230ccda6322a0cbbbd307ed097e4be9b2815edffdaf7c0fdf79c1d87212ced768e46b8bd8d83d3ec62cd05ca1663ddb25f40a612d71edf11ff8f33ab6b1e1ff69e821b0611e9c6fb8764d9c39a9028ee3743cfd7e61cc3ed41d591408054aa157412a2a4cdb361482589d201f27e9c9097ebc6189f9982c69fd499e10bdada7fe697e35fb72d425d30cdbd999b81b7a083bebcafe10b75fcab63705c00d231a4ac20afaab7be95da9ee53c',1795941891378);
INSERT INTO replies VALUES(X'91ea6438e72631b5de65cdcfc75e48e70f32591c3e6bb0b3bee50ec11c59fa58',X'c34ec38596cba689a9bdf1392c285977f52a1791a34ca85251c065da2a481f63','',0,X'a0a839276d0400b94fe18425988a74759b803006bf09512837aba86e948bf3f298c54f0db5ea28c5a2cc129941bc9bb963503b98144c5186b808621d5eee08dd309ca306db486f04abf8a06d4fbc9abe141a93f2dbc4244941884da551d066e0a0682e2a55a474020ba0f1152bceb124c354c42f56469151f1f55752b69e81de8850c4416d226a91b72d5f8700f5950183812ea70f589d62f054ce39160eb199fd7f93f03235883eff00158282e586a295628e7e10779dff3c354401df867f0b0e72c338fee349a55df889f204cf17a9efb4d976ef77fda323da87621cabfee35d447c78a90a50f1d3d435f4d71f7befe5759ce64ff720f8fe32c219ea7671b3bd1ec671f0d11bd86d1165e3dfbe6c57caa91254932d9f4f5f4e71083a69691a76012d946671f2945185f6491ebb53492057da74909fcf08566c99af60c34637409eb95241cb3db09953d4d2b2cc4571bb47a403440bd449cc42a84ee7836e7fc75eb300f07b4a0d6c517bbd4e48239215e93c829e13a0de190d037e625d6b376620958e61b2410213d21476813f7d62d1780674415342fe2adf53f86eb515c22a8a7a374a16f1aee3625b03a8a9a700c3',1795941891398);
INSERT INTO replies VALUES(X'edeca3c99290bd2f62b7c4943731ea67ffbf63318750a3654e4de480cfd6def1',X'7f802182df39bd68601738f6ea578b9a0424a7e760f0492e7da04be876bac2c0','',0,X'3f156592bfc7eb111b955f23272559e5adcb82dce8313a24954b4fa6d1aad39e9d943d0d97f515fe317c18bce4dfb5cf8c018eb59ccc92f92defa79d2732fea8bf62097c591f5d0fe00f432cec306102ec79300d8e3f49ebf2fefa84f542a0a76365ce0f98b085f87038189809861146c26278e6ca52aea068967059e20ea1857814e9252b9eecbe9bf137dd99e9e4d6dc11102262d83b2096cf81b90fc8bd681b7dd8f6866d11fbf684c1d6063eb2629e5245bb664e3706',1795941891400);
INSERT INTO replies VALUES(X'1f6c04e3591872c35e04711c42f76a1893b504a36a53f7f86b75202758cd00a1',X'd3a88f0751a367d9facc41fe2015e43b74cf06b6052eb533a3a1dd793740c6dc','',0,X'43b7202b38dd738d9747f073ad32010e8105179a3e782e26864cbef499b31aad8453b70ca623ecf0238c3852a02d74dadb9c3e4175184d1e39789333d478c295d0c815fe70d5aec433c3aaff1491b0b1ed5e1587918a53e9e988ca0ed4f08bd251f15bd5d457a29e153e5caf72982e7e64e6e32d7a5bbf771e9d992b78b612b5b0146c54082b8e0ed12cc9e23044c784d5c6b88f8e25bcfa2cf529811a0df366e4426da8993de1f45e3cf409b0cc39b0f56045d7a990788e997ba2518b1fb4ca7b80f412b1fbe5da993f38726abb5b74386a30789dc1338a8c6cfd1187b07a4160fc0712fe526c16720fcf48f34e48fbb2ab9e518fb9b3a66748b81b43c9dc29a9e5513ee5d134e468d1f29407173caba0ae80ea1f39cce6090c2728abd52c6f8720365c4f6f27157f4199d65a1f2b5109c4b7aaf69f5fe6fd7a7a5fc7d735839704580aea0dfa88b54f7719be3f2c5de51586649feea01e50ce67e589de87b0eba3966026a19d04602d86dcde4b4a78679c5e47cefadb96cda15090e44f84388f1f00aeb0932d98f2ae547dc46362',1795941891426);
INSERT INTO replies VALUES(X'f42d48861b8cccfcc022e09a6426ecfe695e305fdd0c479b1136b79d001a4bb1',X'c720285004425452c5dc1cef11d76968d605d231b37cde29619a12601005077e','',0,X'089e4d8e0362c567c442e2ba04872c0b5f585610f7ab1a6ed8f6fcc47f0bfe09eaf66b7ef716139840c9dd870e508fdc2a2acf4ae2dde2948cac25a422d0f1dd4a02e909c76cfdbf2c9eb7d5b8fc550ff68d833ef0d96c8266575c77200dca8176413d990bb4decc4a36b0461df9943ec9cb616e48248b6b87de7ed764fd68d2bfbecff00050fbde48655054a283822c55edbeb32924686034f939d974fcb0fd046ccdd202b2c54e21f6dfa0cdd9860343eb1a9eba59c5f39cae',1795941891429);
INSERT INTO replies VALUES(X'e02e649507ec69e634233a4e23cb3b744eba392689ed003d5d2ec73cc97431aa',X'd3608ddc073ce8ef7dc7bb2441779c58159bb77eec63d25fc7c9b5a7c97d6ddd','',0,X'877c889421b0be5f874ff8dd0ef7f019cd4c53363fe7e058f300dd312d26e5b9858465595e1d73a4e6c40df4d51db09568f812f4bd77fa8a91515e59180712a4481abd61386c2131fae516d9adf27353a8d9b4fa5d15e5ba8f397d8c9d6b37c81f7d4ca8c94f067bb8aa45a18b3dcdbe13147999a76712acb2709b05cbcf7c834e18b16bdfdcb38aafb83a2ce9d8fd8ad10ac71d98ed00adf850865c4732f149be7575496e584ff11d2cac126c28a6b3131736fa7b95e3c3b2571e514f8a6ee552273a7d6088892a26160e0bf548c17ae976251f78321b06f5038718e509e20f403d3dfe03f5b08a6c1d90f9bd26f4c6ed025f772eaf2c557817f5d170739954ad69701c887c93e4e6bfcf26e8e60d250c1d65a8d57779efc456d13b5e716b28dc097618c93c5ccde73ac4e37e656e74da58bf859151c3dc487dee2c8cadfdcd6beec753b0e93c4984708f015af66e360a682752ecdceb7e8d',1795941891458);
INSERT INTO replies VALUES(X'229fbbe714bf3d65999a64a75986ecd7cc13b35be282c14bf38ef0428e682be0',X'6cccf72cc5dc1b6610008a435b705190cd0503477d6f1e2eab71b12ac016a634','',0,X'6fc00900cf27abdb0ee0f5357bb4bd1a1e49b9fb275a937e107d34bf57ae5b42b5a7692f91147671146edb0ccb6948a510a96c10d078590fe8de3320116369fecb968ae2ccc8ae9515f7e62a6020b5b52f95f70c687b15e115d6824495d5075bc486a6026573aaff8aa02efc4c58ea9c54490a244507e172a63a2d29b3f78f0abea1999232e50da3b107fdd7da493fa97ca25c9346011bed4bd3ac5128eef17b79f87effe8d7136a2f423f8a1eb8dec61b85c3eefe4cbf54f2fe9cf426c93e1af2c685afdc60faf9403077dd093c27a10c052512bb8140af8b99f835369cb73fd7a09537bb31eb0f5807a2f81f32ebc496dffba01930cd556e6fc4600c02c8fe0b8ab999a1afb533f999059d6bdc951034df9da1631c492292cbdd731a7a272911dfb63346a28dad2ca459cf9c9d95626e6a3b19aedf24470f7b84d4b37d3daa8e5e14ffc7f024c6a11634ad69dbb78a3cbb7d411f97c8b211877e191b74d33bd674098cd52a6751b862c62d589a14b839919ff2b94c8e7f99710e3df5caee94e3c7088c3faa41a83ed269a039',1795941891477);
INSERT INTO replies VALUES(X'45004602f73f705a62387e4996e6d46a430707399bd61ac39b3ff692d30b45a6',X'd1a3f880141ad24b3de3f276201c98a9f134e38c45a128351dbc41fac83bb25f','',0,X'4695085a3f3e5bd8c395c0fbe0c7d3da384dee98b3ae6a44f1ddf6eaf00a003c722894b31acdda75e65bc19a667674ebba428d93be6204c9d35dfef05d724f36b576c7864f80f78be0356ecd92d870e203bd7f1810ac9198d1499d896cbc88d052ba0a95e4fbf34c4e5c4f97ed30eac7c88d66e6274274861519de4c3c17e262930212d6e90b648865b3b2c0cb7631b8f19f76fceeb74269de4b9cc5178bf253053446a642d87034eafd6a5476def45a825ec12bfc8aa64b685e',1795941891479);
INSERT INTO replies VALUES(X'9dfd07bf3ae5bc4da265dd3338a255d164cd4682856d56b8ff9c4f109c45171b',X'5b582dc8407dee50097f862765be6c0b5107093064e18b4bd86eb0d07db37e32','',0,X'bcd48dde21d3b1fcdbbe9e565d4e2e9a9b37bac5626c9f33915aef6e1cc8ff6cb16a20d1cbefeb827db2c6d077bb81b4f85c027e1d3f2802c7b892c21dedcd3fdc478d65eb41bc38043a5eaa7df6e12796ba9e9d6f9d20eca952387743c042a73e9d78c9259d239c7217fcff4c5c2e50dd26c98b87639dc81408a4be27ad6e176345929728cc9a3eb518dba6a431be6b3a903f16ed0f9a7cb6940df8e1ecebce9a9097cee9b998dc6283a6ba9f5f00ff2635aec469a7792f24c5b1c50910e8e1efc27e06c793e5dffed5a7e1',1795941891518);
INSERT INTO replies VALUES(X'4cc017bcee384a78108e94251df00c15e48eff5253a511c7d66d102ccbcb35d1',X'44f3730049c2095b826acac8b478b7695d1c13d874714fdf3d36b90ed057c136','',0,X'4880bc2c5654b45aba43413de52288374f15de7b538b3aa61c3874cae1cd2117ff999d3cfda912f86937acc80768f3eb76e51f3c10d20b37aed87c22568244a02f88d4b7c49189f77c5463f2463d8cfda4d4786f6ba9d7fb53e5121dd07a3c488872538cbf318a14ca854128f0a21df8de8ef394d9b62ca788ba4164f2995a618b85450499d7b6903813f83272416d9c761206d2f5277c6950d0e29f140d594f04885cb9394395de5d46c8a7c8008b8252d379a7903e1aa0eee6dcba27d1d89e544dd09e3307081904b70200e5af50376c6844633d6ae18e0680edc68988bc626aaa5ca7cc885f75975f6a050705b5ab0184ce9f04099e62672caace5e2a39152a94ce17',1795941891554);
INSERT INTO replies VALUES(X'c5f47677475728be01bcc122244c7bec8c9bf8c9e4935fce72d507b9ad34307d',X'ef54255aeaa8c5d7823add47f715d09e543c7520b91a2974c9ab19bf105f4f94','',0,X'3a1531c5597cfcbf3fa6bd3f6a40ce74dd2c673548ba0d107250514a6bbad95f25a4ef180546502cb9f7e704439ce0223ca8b2b90cdebcd274c6f6f218a7d4c4a0b0650116072c2138a280c89a2b11996666520e90b14871f095774970b89e704be3f54e59daa3b29f4ebaa0febb861bcb05e7a0ba9cda96ec3e121b19df9a85956ebb3a30a1e9054c1b5a2eb47ef7fe0c3d844aa50452eb2dd3e41051d0e8a2b63e2d1ab0ea4af4866d9e5037b99d40a8df4b1e9f799c79417b46924efb2c4638f9ce4e9f9d3f67a13e9d66e7882c6f0a98260a56ba50421b0260bffc6d9843e1729bc27908ddfd74be8118dcac63b7446ba4eaa0b7e6ec12b7d35f91e3cc61409a',1795941891571);
INSERT INTO replies VALUES(X'e8e2b03a48ce3998fc35a9b7787052a1687c7d6e8e415eaa1799cb82833aaf2d',X'8a4cdf00b3b98e0853057499835715cf0e57bcedf324016db3702412dfeb76cb','',0,X'492f4417521adfc689fc5b6c0d751ca0d415b8da3d1ef6502b6b5b9edc4df3198564c88e3cb465b92f513f80d18ec42d2b4fd173427cd8e77672f837223490e100786611bb30a0acaeda49038f03846cd29d5ca9d4b2bb9f22e9bf7a099df569d46e433de0c5d79fd82a272064df6138d3e016d149a0d0e7a7eaa8b08986f5d6d35b0385071c8b01573db0ee4477429a952e8a7bece0ad0d2db1da23cf33c0cf1cd550044ec40eb000276888cec1b506be1b742a87c85d7a',1795941891586);
INSERT INTO replies VALUES(X'0cf819208c44e81a421b51e91acdf8153a2ca0cf9b305452bd86606a58b57a2c',X'97db74f9e485e2902b7bd233905bf4f28549362e08dbe9ecd7a1cf9a39c1421e','twc_demo_UJyxC1S8DgOjVcqBtYmHJG',1,X'0bf5f0be5521d0e746dba59ff1c568efef22686c2478a464cdc0e7f720a85caf4c0f486c314a14cfbfdf643e09fcbe1ebce00ce6fe049f2159116c0ba043999fe4d56437d4cb6e2ce204b70dc1268c4e172fd87bb954c373cfb5ae309c84b7fd64ab878f3cde81b34a9a2cd548d3b3ca7978bc61e27e855c020915b1b2c8dc27709df3cab063fabd26f861f8877953ae3e51ddd3105dad47d89f0403810911da9826dd7912d2bca355cb7ab05129a69265391d20fcbde99215260c81969bc2e29b0fd40c32c5d74305e183eca039475aa88b42eab9e112dc65fe8396a905759792a724cf2c25b964a5e1351ea59a76f8ecd1b062bc33a994ec137d97d3b1ff52e6ce4b21e23f23c04ba779726dfd1314341026df3c3ec656b1f37547964212b52204e220c6d07da108ee178e16a3a58888d3a65b1c7486bd82669de0395f261a2d3e89448c202aeb8152cd17fad1258446dadf710adeaf2463f53a2d50ab0cd4320f8fbc928ee7d6db106cca32bd5668037a8993177b3a410024e2a8943acb7fe3903b0d5ccd8b4dad6ad6b2a3ad97e4d1dedac831c5afbdeb1f52f4e1f3a966049c41f022767d2a75c380690eedab72d3d51a50b426d0bd27117832b328d858e23f52f032c0c7ad0f2fc1b0fd8848b9ee795ef154d82a81277b7552bf102313867a205614a023cbeb8491c8fc9b6af4cb11baddc80e7f570987e6a5840bb5f1910e40f91b9ce7df8b6c83d46a15640d60ed5d86faf3f01a6da34da74f7380f0711c30b0a9694474bd9ae00866b791bbafc0e1b7b5eb7fe808491b97a0995e12c257f29416e335c7fe4a763d3de3ff8f5b64b1c742685f62ded7482dd52304006ec322a79de4d99620e6d11ed29f2793370a39f7123266e7bf3c478be06df523e96bff0550d4049ce0ea96cfd4ac01a876e70fbbc65b662de58e1cf265abe4822407924570c5590227c72ff10d3088a09ef21f931307a4e49c5ebdbd5cddac48fce5b8e480eb0bfb4df117d31beec32a078c5bfb09510e9ec01216769ffd53fe2c72842679cbbb4eb6f2e17cd9a2df661b511a6fc5e0181c28335bfe',1795941891601);
INSERT INTO replies VALUES(X'511ebf7adffa1d0c83a75a5009a2ee67de0eab0b9d2960fab1e31da87316dcda',X'891b4ae888b73c88fd8434f62bdf62b1f4d9184da2daf9334f519246e2890f93','twc_production_fSvBb3jO5QpGseZuTOSwnJ',1,X'0433d259a4db5eac37d79219e7bc340b31bdedb7325221b5f37648929048fe99cb814904e6c98de47ff8455bbb1b237f9022463ef9ad28aa935835cc5c191f95e00bc06833d389b668cdcbc5c757070e81f24562d8ccc0fc77c6747dc9527a06ca4ae3ea0ac5c8b6d3abfc41bc0ab81cf0eab19308b361ba56cd5484ba337c88cc3c8c39486b7fba5308dd34786a9dab3a50651174d0247f9a8f4ded97a873ea90d305fde6ba3aa4cc843a362ecdd15c04fa8a367a4c5e327463519ead1b91cebf558ee770a5ea1df67ba95ef7bf15c8381853cc9791c7ba5b88a6ada24405cd2b6271f99cb6a2913ed2f7e0ac644486ca6fe222d3b73ab9f5bdc451fca557307e5ebe63401d93ac63d530178de00d9e6aac13cd08a9687328285dde29d6feb055db1c4f9aac612d9ec831d1e0a792a2fe3204dfa10ad8a6a167dafe329d86eae3a0046a273fec29520b2e802e58cdb56cb2fec65e3a4b6be21d26c65e28da9eba3895e88ace51200852864730212b1a2ba6b2130ed2c698baa7f530b25c7aa86ac583d94a03a8baef910c70bf7728123ebb8b070736f99991384bb8d5ed9af7e35a71543357ce6a1e490fcfb93997d7d1467f343bd5f7cce59e64cb15b03d3c710bc407488a7b569f5b50d445c23c02e55d3512eab9cc197f839a06a6e8a942df025257345bb83df903707997f8ff573d5d0b8bd89e3265f3c2d6e78e845ed927a4302f964518c44cf10ae83d74443510567e8152f24c2e0d76ac44d68aea0a57306ced5b32b0309cd0952071d4ff120afd71a65b4eea96cdf5ea6803d253736599134678491a6f8d9991f587207b4d2012a2c661338afbcab7a6628b2e72c17ec56acd1ba422d3e70942dbadc5563bbc91aedc8959013fcf9731e6790d10db035fc7aea2ed9673e409c9660f01d71cbcb9ec804109e6f4219a2adaffab7506145e17e04cb2d1bc90322f4e9308cc22737de11d2599e0667041d411af57a9542a2e47150251e8b5e871cbb1f83b8df8724155c250303f971cd04862c701d40ef57d206b2f32eb02c9b3acc4dc4ae04b615d67c38a2978a1a06c65f5d020750290d3d98a953b5cca2af87887c895497bb059a77f90e206a8f918b965664c754740c997566c4b957209ad932568bf884669aa951e529b9d7e712b177c43115378fde21b3bb49c1500e517e51597293b07ea78db57f29152b14bb7f826999827064c2b8b185b513bd72a',1795941891618);
INSERT INTO replies VALUES(X'3ec6df721580eaf827ea6dffac7e6e3749b141f33b536ce77edbca50a1e249f2',X'b826b1b507ff8ce8657618406d66fdf400fc3a5f5d0b770a9de17f2487c56c77','twc_demo_qo9mVOgtzu7hjv4bxN7W44',1,X'f0aeaa448a2508141903a5bf8c6bf197396af9e64cea6b0513cd718fadacd25d402fb63c0b8eb3a67446e80b8ed9e8206c8b7b8b1e78edd3fc0a65c8d85efbdf27c65227d47470be2a8260408e180f38f9dcf4881905aa25b21c36a88d44e32482a33bca458d2dd13449bff4a25a7c16ed6edd0fae989c4219435c0c252f4981f61860b11180f764a02a251388a6e17c4107251f2a4970279f09dc725a0956fde8ca7891e1c9d10a301577b1bdba03683459d729e8c9358918342e1f67c07b30f6088edf614bd92006356cb977c16beb2638f97bcc4ba528a14747aff7113720af4ff1ff2bc07ebf87e500ab297b1ffcc0999d1c2a27ecd2542b6b46c68f05430541f8c5a03a51ce4412a68147786692d477f1a6df53de0c958b9f88c9bdd1b74afeeb76b5be8b2fdccb9715ab03c9008f4969ead148a9aea1272e17198f9f1e1898bcad35cb2d2a455421e38f918854b5e580fd78cbf0583e5552fb993fec2a570273f471c365ea5ef5ca2ebd9efffb8b1549ce745b93fe66ad078d5c1f2f00ebdb74f50997c76f05a2eaade97da3e24e4d8104e5e8b05dc89d66f81f48258f9159d93ed4dcc77429f9c2bd8aeda12b4b412292189b72d35d3a6914fa9afb431b2d9d72fcdf5c5be25a6520157ba90a38abfaab7abd595859503efac645ac0f7935d300cbc20c9c68c116e17d292af4763ff265b78628d648d6b6a3867cd5bd72631f1e7192696e414fb55cf4896d36e16190ff00a75fb68b9f642abb78e4fa7e581c2939cba709852c0c9f501f6af84178c4fd7ce6c6815c4e5df67476fddcb482725af616229559dee4ce6150c84a68afac664c3373e953dbcea792a9573fd53679659783ef5b008bc580b48a65d26bccd215551744eb33257c2308501cd33b195bf0446fe884465587b6ccc0e33be150af42e62f2e541a37a778c812b9b3d58fc49741018998bfad6de5fb2d332b1a9adf1b894302851cd02517a048de5a85be93d1f8c62ce354a14d8f4dd9c6401c8d34e960a4c7bae57f7b0c30d37f873bd74f101f4a68cc962675c7c9aa2158156d9b495dbaa84be9ab6f56b24341c2d98f267d91d4e12846103e96de',1795941891635);
INSERT INTO replies VALUES(X'bffde6ca2984a5f0e85d3375f7a5b4e179a619965aa211575492e081906faf1b',X'0eee030f005206951672f651c8c4dd4b66d7002c063e2c1e4d087101b1842eab','twc_demo_qo9mVOgtzu7hjv4bxN7W44',2,X'e156f730cbddb883f9cd4a96b5c703c5be51c2a5081f3e3d34b1c18f97565c05b828b1684a66665263f6e24c493afde57da4e9abd73ca5752662e4e57be4146460cfbd4e7b3bd733256bb9f7066619961a95cb0468e47d3abb99dfeb3cf6b32b81b04d245aa19e76ae1dc2e9da02351cb8e931a678e82c035744caf6d62572c0cc0e2f9023dcd92dede0c1568d42d7ce447bd2d3bb404a639dd7a445d30a5410cb9ea83908ef833bb14e4b27aa4ed38b23037d2e9bcabc523fbf1ea5a7696b0685c4cc0c558e8d19396689806f3127969afe932daae0b5c30aabe66799d072b2c1d494bad4afa694ef832e2968e1c5f1074aa7e7205a78914deccbda3f0c54911c61241042c899305dacee1e7138ee3372299b2ca93a79ed216bd6c06c6f29adb4fb8e7bba03fc0bf1ae2c87b8651e6564fe4b9ae50f10bc8fc9d24287ad978af14feadde7711d21d8e5c699d76c1edd37b305e62f76efcfa6f81274acc7f11c4ba413d9c005eac1fd61292b547e801dd28c310d0b302cadc693bea39ee4883b554374e78c2fa7f859ce371f1285f00d83a20781fbc1f6a327421961788a8874edbf518fd682136330909b11c84dd3500294af9ce1996ec61e3db6d7d93b31c041f49b0579891f7d01436e87427ccb4e98a548649106ec1a99ad3f39bcff0ed2a55aee8aa7a63fdfe987c639d11cfcc8ecd171c4020d34b9be0bf02a06ef22d4ca55faa61995be62b50c94c67abebbc2f5a2fc9b0c788ff46ce537ff68d468fd2262a50a8a57d6fefa99d5d8122594f1908fde36592de5f864499985dd43fc9058b58100d42796d90f4f617ab2161577dac3979fa56b1f131fc4e37a950bbd25c81899e8a56fbbaeeeba52e778f071f45ef0edc38a26cccba320aee474ebd6f8abb3b1a5ad0c81f0028ed2a78097563b9ca68241ded2132f840cfa4573833efea342fbc6e1a4d7f7dd0760e237c46b6db9d1bc24b0aec310c7547df7e5c60bf7def2f1d743628f93e037e611a60c2aab4588aa1e7c67459f851edb69117ad928794a79f7bbe89d64cf9353057f3605c80d13e40fe5df0e7437de3c4c12b0057844b404db77b23866bd3ffa8ba9725b9f9f27dae93df06e5b94103ffd183d26545040822f9d4e1e182df2f684b8bb5297e3408f8593042797d7405eb5766e5b388025245e53135590a2a0b165f0fa17f9ac9459a7c3a689229fc36193d4833b6361f569e25dd67abb888200a629dff19c9bd4871ecf14849b9aeab51bf1195523c0e4e596fbbd3ded7eadbae7b738ad65d437321def1548a4b65350f0653c70f1dfa0e8703243556a49a636a75381b725961decc6271b743ba2c0cd8450069244cf1e6cf3a6b99992debdb075b8bb9d83504c7953e24a88851601cc182f72a7008b2ff6953a4c005098f86f254e8c20b613fe92a3',1795941891656);
INSERT INTO replies VALUES(X'690ebdbcaacd8ad252bd0016f7138bb9aaa0e693ab63aaa983485d2be0ccfe9f',X'ffd88e207a75699661aabe8cd86790d53f8a9628dd057bd88dfb4997ce8b0a98','twc_production_KyURRTYCE70AcmymID7ndP',1,X'95bc89014e8e30ed09661972e999e18ac8ca12a1b8ebf3193258c769b12cfab9d292e306f6e32ef96d88933deac2b62c359ae0aa461f915a203758a8364a553afca17beab9a48e6085975b5165f73c0cf223ec7c065519cb02bd1e1da3cb7d3dd2b094c3391a477ee6652e6cb99c5dd36e5b9921650adb83de9f5904a02c4f9325500cf98947d3fb0ad345fb915d84980ac98f2075a836b9b0deb304be4c4f0dafe667a267f6e56a3c1236b00b9ae0059a81cb818fa52b1d7da507c28cb7399e53bd6d238ad16c011cfa9039f29516f6503f3cb6ce1a37b874fd0eba667796271acb29926cf5f1ab072543c03a89f62d67fe6b10d0307e59d3ecf51d4980a84736055f9ddbc261a406b8942d7803cd10c3408fe4925962e4569c0afb3bd1ac288c43575413c380b2420be7e2c8e2d3923409fc7db5208cb831ccfbef3bcc2bc2fdb30e793155786f4abd4bf645f8c10b5e59e9f18fd0e3d9e395de61bdce5e43b993293c4e827d669efb1e599eb1ada9dd10b2eca9226b1033a2732fc93fa58d8d20e669afc2769d1cba1215389e2fedb14a12729f80a3bc2745459e18f760e65ca121dc288c268ba7196ed918917a6a9b47d85301407318925d03f5c3913fae96338093feffa217537e00c7c6f600ab1b15f90ae433719ef9062fac95a04a184056080565b1e3864408b94d7cae9951681cabd246f8f28f79caf69086ac79051f611a577beabf2f5c71b7f9a1e120102e448f6b67133d0f03e79728801820b59c74b30c2868e32134ab65e8521ee03ecf2f6ec8ff9a9f12754e215bcbb9aca9dbd514bb76b6093c3e0e08e66deca6ff630956e8ae091ffae9e6964041bd7dc8ad09701492ddefdcb88b39c9095857561ab847ad6a518764e4af97b8533ecc9bac4f912ec619d5e2762a4622416224f75a7e4e914051ca3bf320c7cbb22b25d5591fcf9a5d9dca0edf9ea2109b287f7c50be17cce4fc2aed02e71fa8592f60d7b74b8df5a4e1f3a9994b4837af40a8b4cbccc088706abd35285413e627c0c9ef2a1ff11e155f41fc31f08754e3c98d75c579afcab4a7b1e284ed3b545ae8128393d7a86375d6d717967d2a445d09c176308129712746b9232d36939f6debc5a8a0fca599bf90b8e579cc396cf8',1795941891673);
INSERT INTO replies VALUES(X'ef95e04c193a3ca25b32fa081a097e99dc8e6187058080b918670492fe096fe8',X'9100f5aed1b4ff3e98f94270a9dc7fd111b2cec86450455389fb7f6e3a5c747d','twc_production_KyURRTYCE70AcmymID7ndP',2,X'0398eb539201d3e278de959bf6373af9a134afa05bf767246a4069b1865435681e191af248da7852fa757f2ec875b30b27d6513decd0ee7df979d1c0846ee903be44e20b6415ad00a2839cd4ee491ac32042e3442d163c4982c46ef4a3fbe6b5e4473475366b8347cccaeef87582e4534f3bbe4cecf58d6ab995fb7da734a86e5b9fd8c5470f0dd852a3b497df769cecd2ad117b0d5c3f35dd56459093212522022cff64ae6accfcb9090d175c3e0146e07c2252947b8676d368ccf5907fb30312fc8d22f44a78ac40d3f96d4595e1b1db78b9a0f0fe660f5edc7fdedff2d8a06d8d4711adf579a04f3469477ac957d92c8a6e0bf3c977169d72219fc78cf7ffe6d75d7877dcfa8c34b9e1813777927ef97e969ff4e7fba85c387b85b188f49bd88795002cfd360a304c7ea38641c84e2669d32e8d755194abbce6980d01c78378295cce524c439e6397d16c854d4afe8994a3b008165d1cd9532a1e1aea71c28d7764a6e2c6fd3cfdeeb5571f2531e68585bef438c14252b401a23c375ca7157cfc9dce22e440af9648796275993cee9d4d0fc905fcfdbb0b0150eac0dfa473fbb9f64b1c9960a013e7f515e92b6308b49506a0f906bce5aa8483e1420413223683858b14f3f8a06e194dc8611125c1fb0d63abf19dab2acdd572bc8c341359feeba49c8264101c4deef92d25c3b041d521115acda39a0466e8a95446b38552ae74af67ac1ee2da37a54fc18d63964d2081bd075fd4652f3b774a29cd5a8d94a26d67ed5c36ab1ee35bffed0597de79ebf1336f8b9ba54bb12fd6ab83eae7a490e2fd583ec1d5786a267a5ff0fac1eee96f599f5ddd2a5b5f22a0b9d397d00032e536029b9ff67ad2726f8c24ea548d130816653b06d99e61709f844a417a8d76e9b2bcba172ca1773e2c374183ce859ec6f9b0468768dfc5357680b8be6ced1433a9286a75b4db35bf3765078eb9dbfc9a4450a4adf278809ffae2139d34583e9955031e27be38e036a7d21fbc153087d7644f4655c8e6dd5ab096072428ea82ba8fb37b1d3acda7c1da4a42bc53a7f928f3d65965227bad98528da5f07a8e9d9a2fbb445b5d69fd28c01daf97b0936a328765b384940315a53b32f07aab9fb4e6a1464956cc01e6858fb14e3683a7cc4f53d6170ba064952906e317ba2b2270202f321cee411369cbb5844c1ebc6164fa73ccaa6de2151647f052029a90a30dd19742dbb16670293f35e46f539c7e1eb39820a93bfa4bfe88d58355de64e1ad1556badd1510e28a4b4890ecab1d99bb775c9cd9088e9787d0e4ccae5bbe9c26a0a364a38715abb3e5594a8420c152a5edb2666d1400fd15fd20a875d1fa13badb4a9600738e1632d899ae49abc81692eccdec81b0e3027582a0d75a046e3bad56cd313f3ed73cf2115b556848ea8c645fc087b888021b3c7b1e1da246ac51a3b404f73509022e415360179fb1949c5863a850',1795941891691);
INSERT INTO replies VALUES(X'ce82fe274ca04c2d63b2bd05446f8e95cfecc1d3ab263291bb1756ccc1e2a1d6',X'7656849d286b1d17aa2f8612b743bf8c304531dcca4d1b8ebbefc5dab167fce9','twc_demo_gBJIkjn4bTfD1M2y8R16RK',1,X'3d392ac3dffece09b8962d8d0cfaa67596e5d714118b7f5829f4321a714b75306f9a157489846791dd403a9316bf827253eff74f81486e686b1ff323b85b53997cc7f301e42cc2b41bce2b80ec48ddbee30cec6057d8299248d657b2b3a4b55cfd3e2c9bc535ec791a19ce016194a760878a5cf22a15923fad8e8d853954e97e984d65d9338653e02452e6c36da3318bf10f46280a8b77f354d413855b8872a689ad3883d2b4aff9189b2dfe0d4917fc266a0ebf995b8cc2c84ce0cb5b0a5810914a887240f54b46c908df4cade795d5c62672692897aecf9b38ac2923f6dade52b5a72787f5bbc64db7864099b4652539b8329c1a8a514596ebca525a1e55776ff501aa86ac74196dd509685944805bbc44710a41bf6195bc7c8418cbcbdf008cb3f7a2d8161e9fafa537a0727b71e44ed20b4555cbfbfee42a21978809246dc5e97a800a3b83255af574e0d5c47681fa9cda3079b04fd1625fc9080268d55d6bb816367e2a344e92aaf8ea7c07cdabc9531a376efec19c8d800edc6cfb1afa334d8d73fb4ad82f51d67ef62976daeef45e61b11ffb584d7a958fc6e6568dea81c0c7b9f066c0e3f0363449c529fae5128ac80b53ce8ecc7d8c5e8d42817bfa044a66c2e855e7574699bc76bbd1446ddd98e0504f2566bf10d7396e6ddd5c662633398fb3611beb6cc639d3c78c844ee2cc5f6bf1ae469861c438e0171a33517582d84ad153c99efe4e556eb792fdefa255db9bf9aea11bd07ed16f04c3e42208b59c8ab5acd472d0ba4f20e91ff300eebb65071d8bf857842d9054dff72da4609317ea58eaa3e923d833a33091fcec205e99a75e10a7b6fa5bef3ae89c974371addd39135d205ddc7811d75b9ec862ee5044d07364b17559341ade00be085ab56d783f581010f76b3c50bf9d45c49ced23612a43d87645493f507f2fb338e5bf76217a759ef68f93ed42a9f525b5b120428a85b10f38f7ef83d065fbac0fab8da02c42a012c5cb15bbbe645e8158f8073a3ec3a591c6ceaf4705565e77cc96d16f55388355681b48359754a74fc1aa71a08369be6c3fbe5a597c4dde',1795941891707);
INSERT INTO replies VALUES(X'3835c58c53910d7fe3fce3a81359f1c09720c43846438a82bf2c6e7a6c49853a',X'4cdcb0279218e2dee747ba6d37c0b43a5a6e44cdba87637fb201c545c2577eaa','twc_demo_gBJIkjn4bTfD1M2y8R16RK',2,X'353858c5bc4fa1d34a7b421a07e5cc226714170e58186db3fb67fb125e06c9cb6199a40f4bf4dc538f502a53dcd42630eeb6c0a8804f5e3f46bf75c943fa1b97f5e4a5144bd278dae21be22bf4538b181b8afb13fd586ba1621abfda968ea12be050701b70a64cf018e3857428acbb6aebac1fa42a12b21d2e9f9f84d60f97f2472fe4eb35aa613fc3d53d74954eb8265d43941985b62eeead6f4627a7bc8f56102d8ddee4d0d689caacab390259c412eb2b7d2bc02adc28b8e01f5262694ed4efcc195a8e4c9e0afc4013e8965eea1ccf360847edf2cf1663e58f5335556bb62d732dafe4072b26fd5831bb349d65d2b790e90bdfea7e7b3f7d8693e86b40fcd34afc77d67482ef8f0211cfddc3ac54706e31914312c84ec5b96a186dbffc41ae019bfb4ec80d014cd6cf33773ae287851faf5324a7a74b19f7e1e2462247f588377cf07cb0d88f8e2284c7315dcb3c9c31dfac8d3e9d17c770b63ae40a8b9e2bb52fe8090c4d357b5752d645bceb55a9b475a57cb9512081e31988014e2aacc3adff87b050aaaafecefbb0018293a86305e96461e09eaab277f5d77e6542d5d0385435f8021d4bf744c506488dcfa46397548b33a489dc639c4ad0d822fb37115f8335f82900ac966f0018b528bfea00fdcc80a60d04e500875475768060314a46a78e70a949a123553b925dd605e390b5f2c25a49c5e0574b0a42706127e8d47fec8fa0f44356571ca70e765421855600af5cae30f42de43cab9f174c3961c6c090156b608f80149eeb82f96ac262c515b63658d807fd038f52f97583d928e52521fb7e36368cbf178119b12a389f7ed3afcb64dc221aa5c241bf608151831f46f780d1a6',1795941891725);
INSERT INTO replies VALUES(X'd6c3125f98482677c3d50c6f7cb1e9235a88b0dc8427b4c6035a9959167abcae',X'daf94e7d4c97b1fc82f7dabd5936c5622d66237507a970243f11507fca3bd895','twc_demo_k7kKESwOgAiSLef744rN9L',1,X'd589e4af222374de67a63397d31ff786e9322b0f029f6932872c17bc3cd8f8706a5a73c3276fcbdb819de099176103bf21832443cd21d9adef9a92e3365cf91b8143eb9bf2718a67fab338dd1e3208f80c741899242ee8c7bae8a296cd968bdc277e41f9c3edb106528ab475ae6712c245c9607f0ae47854a65b64ccbabc12a313382e9da7e14d603d44a5e2984cc53838c1e57edfceeccaca78aff02a865d72ff224a62613e8a18dde363fcbb254fb795033b18d936aae1c5d6f3b7f17506cd002c32e8ebc11a88880ac16f4ad3ba4a0dbd920f383a897e441b98851d657d7f225c0b3afc20888233bac022fd83ad7f00ec393a161aa235c1e404733b3b759604617bbc9fa593adbadc29b9ffbe78d88d09926dc6dc4cfb61756837d8ce7c766ff6dc72652fc69bd1b18fd95560dfde9c1adc82f038f4fcf00c84bd0dbcd25794a5e021b3038ee8a5828484c3fc0b779c1a44fd9b1b52b994e9bb07be682a48625c5328b315ce080c1da881bf87f40dbd43106d84215d792cba03481d02da1b08fbf61abaafe5d9da98fa9da2c359a8af7a48408a7cf5569ff8e2536d2355327bf6d7be157444338c6a74816b8a7dc3ef4236ef308d48dfa2e7a5e2fbdf616000f5a984b1ed4dd0b5d610420d5010b18890f5fc018bfbf6ab190b42a875aae62378dbd9e16fcd15627bcedcf7db4f71f05d11e890b94b21c8f9d68a807382487e647906b7f421f023ba7915eb3e656bec59580f73f08c5667b3241ab601d52104546fd3aedb924299c59a0a4836c1b245161a575ee5e6970967d345a94b49994e8ce3558c26e85ca7ea14d5fb9b3c79bec4ce1a0f6b0cb08a7a54167c711518403d712df1f0e38ca9890a4a021b131f59bd859569b8d63cd6b22c31d974ea04bd602062e8ee26f4a24ce3e9fc0387c52e6a797f1a5310a3c853555b2efcd5a81c0975dcd89f881035412faa485915ebde0f185c700ad9c4622cbd30774604cb4770d074ae1b572405f0b1b567b54ee8143ba6dfe03dfbb37502c48e099d4f142066a6a3c420e2bb21458e8ad285b8566237902237fd6b9588eea5172acc2b3eed0c',1795941891743);
INSERT INTO replies VALUES(X'8867230bf60cf9e63c286832c81afa9b4e44a63fdacc7f08d29a108aeaafeffa',X'5c5e85f6cde1853bcc8e0e469bf4cba5c683d04ff88f47d58630ddb475411eb4','twc_demo_k7kKESwOgAiSLef744rN9L',2,X'940e46bff33372c1574f0206c589df5bed6fc4c4e02c45052fc354cebf3b146d3fbd0b1f2b10ac1fcf072d985c5856afc0eb0dee8666523f55535380e6655c0a4a8d0793436770f1d36d3b838bd725a295be559c4b7a5864d6b8f80a02d107e838f03613e71e431d96e2c5e0ffb04a071d3ff4e9499756eeb41bb44d2bd4f47a7ec062143332fb54752e7f8ac14c37f9c689516f76637b7bf458c20e98841a96fe0718e23a8a5fb2b315a8376bfcbb7416d6f1ff821a1bcf2f3453ec077bb3f2b43cde7d5e097a96d2a513b006b962a1f7fe833ef7b7af7eb5491b61ae6471968c86cec0270ae55aa8b21c7c13202bd4635007dd9e98d306239750ebfb81d7f1e0eee2f3bd8763ab68ca77e75b805aa727abb2bf3e6b176da6b9b825c69dcd52ed3fa3810468a58b632335811456ace5269c4c489dc3137fc505a926e77f44043f3ee8843f86d120c009af46fd195dadc1f1990c386f290b8589d48cb3e4113b41ec26a58bb42ffc714a289e29dad46cee857e31ea5a2f80822c3d47f15d95c9a5210766cd266307498d6b860832472036b765ed8d33530b2b53bb8493acdd679643c6a5b60418029e9e6519b2a313be69f38ebb57cddd3d31106e6ca6d5eae319ecf07fa5a0d298fc4318b04b8ffe64c626edb782bce6b30ead043c7fd873fbd2f88acb05cbe6f1ed9fa30b08dc85f0bc161cb3fa73e6c1e1e5fd9012681530a8933284850797338edc7f4c53c82ed2fa758906eee1af6c09a1366636d1660875b843b393d3fbd0f423360e62eedff82f8a5e2771cecce1d090917c52bd63c9675fe2acf88ba44cda6503ebe510721cbbee2f84167ad108396b5d479437dfe754a7b651baec83511524',1795941891760);
INSERT INTO replies VALUES(X'e0b1ca3f67ed329aafb03029302ed2f263528b4b1c58e97cb14b48bd071cda41',X'c8d45a3078454726fd24054e9947e79429691ce5c165ef8e2a31c412caf9ae4c','twc_demo_k7kKESwOgAiSLef744rN9L',3,X'f53d57522031d460e08c6b5260d774abcd976810168e721e6e6733722725211e18fa6f2d77a6b2ddebca7c9cb78d411f06daeac17f417ce5996bdefbdf56a2014c81ef0419bb146aefaf1d07bec03f762198abb17a83813a8596e3a6a485b8006aff511881e54c917eef2e1660f1de8953f2b49356178d609875eefd8064244a2df6347feffce5b80d4e92bcfcb5a87f5b727fdba692ee96212cd2d950338dfaceaba88f39ded259a6016968e23d0d2f649b8fb64c1cccc91223a22c2d8213d25a660016e18cea947f6882de1f82f12574087629b5fd597df725f8e333a2c3ef67aabdab0600bc52262ac66c2404fa16899ca23065a33b5ef14ac7ae336bcaa54878065fbeb680a36644c8a8a9c805b3efe8e8a168b62b6dd7dd0662b9bee252c0ef7e8da29e913b6c8d1dadb460043a7a0854339c69c901a2dfba49e7f43aef4d1aa09fc5ce5101dbded61e4de91a8a8c921aa2cea9b0496659a143686d9c6d67bee4485182adccc66f3f5f1a9bcdda9db7a885a0b756208340dff48adade15e4ec89e51c597524fbdd6cc58782d9117b0234c55ac16ebd914750d442c2809ad0ef8890a522da8bc7156dccd8afbdf4d20ea2778be63a171370a4b185a47178f4154007a276393a2891835f5e1363e91fe955f887a737bbcfd5d02adc5fcfd492876bf27e72df4c653a04e0d16195f25b81b54940ca316b893abb141671d0041afe73fdbdd517d08e48bde39c25dd8ede5547f4cb87a27ac110e65900d42f9f37883ba2b5ab394e4637c1ee0f72a845270d9f24600fd1efc870a8286f8eb08348a26279c25f51ba25b6d00a69dfa50ee5530b42d981e1b828590e134beaf47895ff798febcb27a713',1795941891778);
INSERT INTO replies VALUES(X'ae77e94fc857beff02cf6d4a58c201d9c75962c830f6a5db3a98ae61d0cd2da6',X'11eb11dd20f318de35f116cf3b6ddaca53b2cc69dabd5912554c64677cdfe7fc','twc_demo_rx7hBn2D9sVS9AyVjWAPbF',1,X'c286f11bce472c7b4ecd081d4745fd135ca5434c9a0f381b0abac910873ea9e3c07a7ad7d6f93f597c5e6663685be1e0f7de2a6cbf3cfb42ed101cc6eab52216956ae268cc33d3da47397e27b44c88e9c723b77d953478820cb4e738b0337140f4434e69f7ba25497cd469ce8e16500e5c427c4bfde5f1831d02e30a1050d280cc02da4f8dd8cce8847810f58dca703293b1981356db13ccadc6e91b964134ade15a3ac2f68b9d34ce64f9ddf3241392845a6e7c8841662131eb8fb7caf937af460d0284d8b4396e6a9846e9a3a6c0d74416a10da11b1a8adb662bd036d0c3c8d86cd739f25987b3bcbca08b2557879ff0e09d9448c351d7363011f4bd90d070da159e29e3ece795db42e072c3c545d2d19c9f85d6a4e901cc7048967a58f1a0c8182659d221daa410ea969d7d7a3034941f0f556e4c4a8bb275720b5767a2eb35158cf766c58622e2131b76dde1614d30cea2e7dce5ff0e367aef5e9eae8fbc74f07cd7ebc6af3789768bac51c7f3fe8f8f226244ac751b037e14d0daf3bccd548b4e284bf2d78871559c6be448cfa2ca72094d07459f18b97a719e9db0ef826634881a94cb4c8dec9a8398ee45cdbf625b46f367b2806cb0b9c3a37814aebcab83645344a0cf62d7f11e5ad53d5e6def4ca12dea7b744b242b0524104e0ae5d5163a352306fbacf035dcbce8d0af8bbc3aaa3f0a305dfbd16121c0899cffac61cca0d1ad18b64e9831ac1a521bc3940f1fe81c6b8c389c2ac5f0fc459e729631df2774fa63d3ffd5b8205350ed800bd70c2ce31fd5324c3cc7e2d292d3ff01a9f847d738246b278b16fbd9e1f17d2bfa76aa32872fff08a9c804fe1384768dc0aea312a82390bc71c7c40b616b5bb086235d10387cf61f17043be07cdc7c2878b11c9b30bf06f5a6ab7ddcf34bac5f654a6f6810afd48c51d33c15f7ff8dfee06de2fd5318e3334a0f25adbfaa0396326869aad858ccaa5986fa09e175f3365208b9ee08aaddb61300cfc95b9a268abd70d25dca33f9c2ee23e190c704cc2667954b00a2d91003b2fbc6c0dd305c7b23b7c3d1e99269efe40b64b3',1795941891794);
INSERT INTO replies VALUES(X'67c438d62219b081d4a1b070d17be17ab6e5d8fea18563864e02ee7dd8e56733',X'cb7eb30db36e5365a8fb546ae73772d397e6d203aa43f8ed7c351fdf73e97b33','twc_demo_P84lJXxkkhHFCw06SdwAvG',1,X'a8752e633d146743751567724fa1fd4e02781e2056fa501a15c18e9d5a3ec28891df8b25586c8a7c3d5c17cf8a9dc640ce6cc7ffa0b7324f2028a47ea50aeab3d6f67d8a59ee8f9204d79687c6b913fffed567845033e441dbf46464e1863b163ec6c9fcc8ef76764de6f193bbada63970d87272096dce5bbc41d4c30ad9d20fd30a865c15ebe041f15cbf17526c3d8319655a389cc4674bfbaa297d053f8276c4731f75a8172b0f34edb72f8e31720e10113130c959a88f0fad34bba0d48c3c20d9fb5436bb4b52c7f71acc4e2b1a927ffe8e68900498b822bd55a6fce7de85bbcd87206b15270030a32e67a2541b9c0a0e28117fb4791c1e1a8588b07eb02f2b133c01916b6814c5c2f54d9c609747bff01462307e04a4239f68d4d51a2023aca82f718436d440d9614fedb0d2c8247e36fb333e2da6bcac0736963b1e722299032e25c598739692d26d51811065804ba1a681baae82a3f73a9f1175c6693728cf33c4e55c9b3be37b3827716d6cf3904a086f3c196fb02851cf812e78dce96d71d0e03560e55b34f205a6bb5dbd6ff0d086b96d3326296f3eed1dfc8ad2253961d4ee7b6dab21c2b2872f2845010b9f25a78827bd4f8a7fb4603218e9d2940102d8a4604cfe5c3fd25635c1b90c6051800e5e0d41a5af1a801667477f58d7878ce672beea6648bb433abe41481951ef12f99ae590eb6a3c972493ac5616d8113844c3f7240611e168e3c1ff684fc7b3fc95815cde429af22d08c1ff34b2ad25725d70080021818fb4e1f9aa5b06646ceb9fcf7a1cd6594355f4d7e164c0b8080dffb6a11e6659cd2e32d01ac898504db69a7d3136823aa61f21ef71beb01954a6876dabbcf3b2f8bcf53028d6d3698b01cb430e09e2427997f27ae9d3310e18f896d95ac809ba667f2fbb3f554027309de40264431dec8cc54466800f6f40edd9bfe420fd778b63513722f48f7c3e296720bf8b9eedecbe15f6f993fd6ccbcb090bb6774ef42b6a159ee8a9c977b5269a8fd8862164914c161f1a76130870bd88223e95f9ba06ebc373c0955897181d1ae99f9532814ea0fa30dd17fa416f887b7dbe5461bb129eda33730effbf1927d250bfb74082084f9fad7439b24bcdb6be26',1795941891827);
INSERT INTO replies VALUES(X'083b51cef44d8e841d60c8aa8b164771e55ea293f0138ecd5976e68f4a3b536b',X'9259a2308f29871a3cda681a86085dbe886b349414e51e6d1a2c45ccb02015a3','twc_demo_1oGFXMgifcBio6T8CyTnGl',1,X'81c8bdcd0d56b81fa593e9b81b6e5478eeaaa1d4ab996665333f1201b258b275d71beebe312e99ecb7be2c1a3dcf236591ab3a3bbb588d286f1a2614673c26d05c5be38208ccd3e6bd64c021643eb97ab05667bb15dbbefb182edff61e0281f9ecb109b1a1b2d8410d8d426a39bd773ec624d87866dd946bc772bc2c229db2afb858165c0effc94716048cbc7b6d7ae2c029c00ecd72acd78ae0943bdb478680ac86d2bbbf629e86335b581a3923465de726aa594bf83b142ad2d410ef9a18d5ff985228dd81e8c055af6ed766fcf9afa35701126fa45d7910b5ea47058586460cd9a9f6050a266a8b9fd65524146bbbd04ca7bac45aeb29e460d6ca29ab40245f21f1965233617222c89239b044316be66fab06555fe33ad5ed629d1417439e820ba17999b4b03aef8ab5bd84cf55e215ab0b498908d3be636c2cf8353da8ae430020c233c0be2c67e6a8ccc23cfbb347b63a9a1fd307fd932f37e884821c058ddc76d32ac0f779d24d3c6c9d9a82d1536b26dcf6d2d3e54bb868307e1ec716a8d84d869c4e804a4f38640fd5ac663b3b07e3c77dc9420468e61a647cf72440b70bcbdf5092448acef6e7b0129cf6f2a6d45d6ea8934037ad37c9fbafd9fe1ae611ef8975e2d45c8562e92d39682900f3652861f5f33c67311799ea8ab675c944e238a7237959bd0addf1c1a20e2db63f40cd4e8404db82e01507a65239574be3bf46dc3ffb0ec570e9ce49602145ced0b1bbd309f2d8ddd77c409ffc17a995eb35e1e269294b9c25424b699c53835d7d0f715464b656ff5e4219b3e7c579205686103f02f3e9e67e7343d1113e789c8f4e89f980f7f419e62d1aa23828f9262b6d7f0eea19e3e9441b4f0addb1ba0ea65a1ba0e9f86a9dfc762edc88a902e9f6b95a7133db731d63548c6f47d758c0feca747891e0cb1eb80fea9ecedab5f8ea2e88d4ca0ff9046dc8d9b0915bc77acca75e5eaa93a132a7b97a35a15930f5e4f5e1c5f27751af8f8e3f331b3b9d7c8a1e230d924d3591e536d4244efcdffb8e16c53df5ffd66913977ff07d9ddf1e169bcf331cfd8963d66b0f1fe65425a9',1795941891840);
INSERT INTO replies VALUES(X'59a27562e99595b9d7c81b90d8c391166c1d699935407e2f3af4b8afc6561aa8',X'16774606963a280108cbb07daa0f091c364be0b2c75b9a89e900ec38f15a1d8b','twc_demo_6PPDCDf7drCpogsNbNo6Pc',1,X'3a403d7833f90f2351a56b7ef2521efd016e4e915a8ddc6a616789c19928ff26fc2368e6aa80e7132c9329c79a597e3d00bbdd517d5217208cd99adbcda2c7799fee6d477f4c12e7e462ac29bb26626da1d3c9e3c736dda1e6e516dce38bc638cfacc25441caedd4ca5f71459421288416f460f3d5412b2607076b132b1de328ee423df401aa5d02cdcb6d9bc64fe34b2227fc7938c23160f6c432b76665a53988981cee91e308380eaca0cc75184e04ec435123b056ab4e1321163a5d51ef66b3819ca0422ccf0da6c36b3485f72f3527827bc28273e92f9d9c92e2e29c4ad7310134f66839828f58d0a5ced0facb45dff9ef76a59309ccb127b2c1ab7da6c1f1e193875d7642000504b692cd9c6efccbe08a99aeba97f6e9855a81b48b938761c32045da1751daa5d4a6c53fb7e2986e1c105b831d6db1b3e2ea738b3c756880e2c92c1c0b26655f392741103072450697edf1b15f58148755ce171e4326d282d052fcce867e3aaf7dd68f7974876098a0cba144365fcc752fa6c29fbcb2f376ddea7bed56b6b5ca6345aa152228dcfbdba409844cd1b117344db6bd12a0852d52e66b8e8ee96a232545e02746b0435dd65857cac94709a60a092e69064447f00ea4471092ff4badf12925f10a6bbf2447156768c069118839b721ed6e13d5ac6a4bb1ff64e83d6fabccd69d315dafb61fdc44327e8745ff6e3afa77af428a872b677b6f5f1597c4f174cb8c57e59977d52e1aa5b8a4b01bb0ac9abb5a5a10551e3c28094a069cad2094fcfcf1366c0c89531917f48904d0ba37cf50449bb06e24540273c5ec9cbf1affc851b27cea3b81bea47ecf5afc7cac2acaead52260374ca8be3301e327683d34d3d4c100cb4eef6bb3819d6087eaf6715b1dab3b8989cfa97aebc2bd37c80a44155e6be9ee4891084f856a0de4c9fdd2050da44708efb7321236e052ab64bdfb999d6fc34f17b3860b431101fdddc54b683baabc3ab61f0c8e7eb3df5850a4226cbe26841923c492c4d64e4bd304e863859c612ac5624c76f72bed2a24139950110894ade4f32b747dc387e76efc1425d5e781fff5e61ee55284963ee962a2d54313a9',1795941891874);
INSERT INTO replies VALUES(X'f377e70a19b47cbdafb8c9ec9598423c15ac4d35903662afa0d80005dcb95ca9',X'30ddde6b06ca4603136205a992e9535f3c5cebfe2df1ae44661e09628a84a147','twc_demo_XzIbe9BpKfErW0Bij3iBQ6',1,X'621951378a42c48111029c97eb332a922e4da0e0eeec139cb36f817ac0f68373ae333fe00cb2c321d60f2f13de9629c552d135c65ebe8c05586f9a8051e3dfa4bb5556830d18968cb4774dfd26c2dd2b98b69e42fd58bf70e6795825a5886fb10ca58e0bc82fb5e764d0f492d4761f2044777bcb4ad9014741b1ef598da95ef1056c7ecccc334be66a3d9e2272abf6040b8f672fbce6e156211759f4cf67d7d272804c7d6486d2f12054c5e2515e6abd000f8d84f34134d2ebe5bbfd8fc091e04e00c0e8af9e81421c63a9276bc2aba22934da0dee98836bf9f762ae27d2b149b2d867e1231e548a2601c023775ce454a96f5444149a0e99b2017ffae4114a09ffc1b8381c507aa8f730726233b53a3134add654a3fded70d4aa7ee25317746edaebb297e01c1978f2f87543bb4e452699a30acc04c870921bcaa40492d3f17135502a3b93a9f53fb9bc2940a16d50a43ecbfa0be46b6f183c36d4ac9711b4cc3295e23d349e877082c750a9c3b13cf830ff2cb2c24d49e814898988b8ce7943d45f6ce90993e79873029e7bcb1ef91c322f7fdbe7c23a0b7be13c7064b524f640d51ed35f2a5d235c3cceb480158fc970b171d8bec98449e3468612e80c3e617bb58d519376546207df9b21894677a32efb3ed55a50e1540240b07b73b6af1ee57d4492e0f8816e6c1e5a10ffd12c0d61aca4da581750a81f0f117c5d7ef6c6f9b951c6fa6c100a8bccd875adf191cc5b82a652ac2067242f95c3c40952b02986ea51d9566be48928a435dc036d156e77bad9c9c83751925659246843a1192bcc16de3e42660b02d20e8d087aacb68faecdb720b14ce97b96b1aeb04a9b5c09e81a275b0b44908ef73ece72e537a7bd81a241a6f5f4b3328166431ed44fc25da9f6408c79d6dcbd6965e3dd0935d2e522e92ef46cf0dd2c8ed79188c1c7dcd753c9020f0c1b213a959d17df733b75c6214085858d4008c7e78f9c6667e9b4da22dc6b23296666bd3bd7f0221856edf07d56eff9fdbf0cf89bd12886366be80a2ac0f10bcf6cdbb06aa76a524a97fdbdce1e6e6bea44dda4cf1e1f6729bdb269ce3115bbfc688bee11cfb21ac6619ebfe3ab424e89d674687110',1795941891909);
INSERT INTO replies VALUES(X'924e1025d8cef3f47c0fb6584b612abb1d81b04ea033a48a5a8657c0ae143775',X'b80b89d1a811f1884b6c9947b22689096f94aa2415e25732ddb1a11a2e79c0b9','twc_demo_UVyF8Yv5vOlt6y9gRv1Nyd',1,X'727dd041155c5bde4f195c4c7076f37af85c5973c95800a0058520f2a0121ba4a73725c22b6ca50a6f7161aeea92ba752c6ec12535cd7c52a09f94cac04e0b390074027b9d189e2bef98a0731fe33185887722249ba887953b064acb601654030715a1e7faba6795e11f6871c5e2595366afa1f5bfa6973fef2680dd3a2dd5400178b76c08d289c95f6a40a5460a82cfcca695d87e18c1e1cff5fbbec9c6fdbb8348e2e9f42809140041cdad8d7debca47029930f01ee6d9bc1b8b1141765357fde3ae0173c9fe845762deba15eb781faea30eb37a665a485398785ea8f26bbef864f2d5ba17ca5c6ececc463be910b36c2bd4dc21a32f64040e54393971569d7659c807885b50094dfc4c394e82b29c1611939a1a3a87006e44fd3b67542296bcae02e35cab1873669830fdfe840b625f58f4fa38ec8ea3ab4b96e6c3bbc68faacc6d0e73938cfa2cbd81a89311758c30e2291cb0442b0a4b2214c5aabbc64b55dfb0182da0e2aa3188d388a2f00a78f2d616f288c2409b7a402fb5f1bc62dd3801e5d78a013499f18a8b16113acf06a7ec1dc263eabe0a5d389efd6d5874d16dc2d6a6247694cb262d2a5545176358711caa7b840183b099af5aba91b7905271003bc9affde2e1532c43c72ff88a01652a9ce60e786fd01cd661b2d614240065ec75289af77925ec937b101aea390738afe0868721f68c66dbad02eb6f47d35a4763277760655b7ad65821e29537c64305bcb4713739baea807c2fb520f2b700ff84c912f5606219a38f434a9b1f21abd8bba7a994c81a32a33cbb528ee1758dcec8b72e812a415cf79157a57111be8d9a99a07ee47696c252a7ca4dc2a08acb7009fb7dba48592bde062a9c500337aa83ea4def7555f86b88283fe54b0d2a3fc683b6a84356d959b60cbfeecbc3c189e1eb081bd058b71855ca55380cd43f359081753dca49a2ddadde87849b392171ec886f87946d7c5bdef80e32a51c252bf139aaa3ccff5e993d7558f53b55a1f3fc782b6276a4544bee0d5d77aa508c927dc6d3ddd7ad11d37e88d7c16ab61df51729bba16f26552c381645e066ff76295a6e0ca71a187022f5f52e',1795941891966);
INSERT INTO replies VALUES(X'581b1e3208b0f4eb88791da92fc92bd293eae040b11826a791f61f68f6276363',X'2bf400b733b136b2e3cff8120c4e03f55bcf0cc7d0f5b204a32152734ce9c5ac','',0,X'7a4afa7271e161d7d0038e7ec798ed64c56e06927a655e126f1622f8f858d18a94155cf21c0edd60238cddc4e04f5f53ebb6d2603e0f608bca615fe0e63ec5edca43ad58c85c890aca4c3f014d3f1207175e5fd9b40e8aade9baa549bd1d92946ed62d083beee5a1640df81131cf2b7bfcb39055a656d7c4bffa4ab10ac7b5a1ae44a6f3b4d27d2bf4fa46cfd419f0a4efd3d513ee0c7c99e4f57d32aff5648d1b23e9d202ea342276e49e197081ca9e1d8486e0d7afde2e9892ff4b435cf7c174e685157284f3ad9962f2078b6c405c4fc33d7f007e2f69e9745a903f1e8e9acc',1795941891983);
INSERT INTO replies VALUES(X'57da9cf636a80500ecf81d37cbd18c8cb3fa1c29b25d049119fa018299229ab2',X'6b2230bb519fdcba9b29777b4e08665d22c874ac3c6af9d7d03ec0d5174031ea','twc_demo_MB8ynajOiNxmpIalqEEVMG',1,X'6229f61a4faf9e18b6ce367b60ecdb3ebff769f16df45d92939b2939a1e406f611323d64f325b2c76aebfc30672cf34560148435fbc8b47e19b595158a73600218e1f26b7fd4e4ba8c502ea8497f371c75f055825d9cd6e3885ff53f231f0ab3f80543132a09728ff36db9de242f11349622dafedc3e03031fe06f80ab7a3f0d1d2474c140780c2a649aee3df4eadc3dd731e358eb4302dc3489441f1cf45929bfd5dc8f2c9b16b3849cbbababfbb908f04dba03bda7b1aceacaa04b9cd8cbf2f7b9fd5e77b4e87a4e0047ba65a2f5ef11274afdf3757556d7d0be77826a87325a1e5e3138450b3ad77f08f67cb29743e15f740fecf695e039cab2e21d0eb0c6d5b545e909d311f50b3a339bc0daa19cb09239fbf38c1460a40fdb2ec3b39d7517dda4f846841176431aafb035d28f7b63616f1727c2e1cd36a2211bc9a63d8a7051f07ed8a28c2cc3f81a3be0fa2cfdd4f65575718bfc6132d4e93d173e9d9f6f3c55ce063dc4da052c1c56f4153190cce41ddef0e028ae4991743821d8ac087c1e7336a97a79bebe5a1d847cc66695806f3aed61d55a17a597938b5cf5e2492b889af6f7fc5b576c861276e28778305eb2f9cb8510d2bb796cfa8633a0f0d072dc8aa7a4a8eabcff8b27bea5876417b92412d8ff70a0d785bc4b2458ece104add2f69c53127b8bd75b400e2d44dfb1ddc65f75ee3cccbefe3958a4a2ae48ed7318c91a5e51fbdde00e6bf9f174e7514ffcd1ea47304dc4804b674bb70934e90a5eac2125fdddf742393036700d2b1be62c187cfaf076ba3a40aabcac4ed36297a44f249302ad3af2a17d693a09b34171bd99d9853fcb0ab6448fd5f1647027760538a39fe7a597d79b029c80db3774cb60595ec8139c93f594c6f778723e9773ce0b610221eefb18a173ad130fc281ccdd658a4cab54944d2d8d8bfc7e62452d4651350a28d575d4bdced9f2336a6c727126681b53112c49342cbd70257146c61c0aa25429a582b39cedbb55f08593a4396917856529f3a7b76bda26fb4ac80692a4661e0137a22bfd9919d7ff94fc2880b48d1807dea77e1a8de256092bc9c87cee63a41b9ca20243',1795941892002);
INSERT INTO replies VALUES(X'647923d76d9b485267ab040c0a02857af4eea0bc8b31dc029104bfb8bea161ef',X'5d30bda8fa3288ddeddfe4a57979f09908ed0246f8ae034e258fbf885f02339c','twc_demo_YW8qCEInOxNw75Ugy4brml',1,X'3aa7a9c42e426c725998bd32bbe14ed18fc8e6997273eeb41ef2310cb6934d5971d9cacd290a9bf35bb0a77c34dd544facc0eec93b6a39125347d1334850047731efa616a8cefd6139f8366462ce248aea63391c34e84be9d73fc66688ce2c512dc1add4e7593c1ccb93d4b26603f6984a718d02404380526bd84e61a784e8cc86aa867fd48fedd1533479fc681d2131eca90b56906b93dc8c4a668f875cb5bbf1b1abf348c7c6f5ac046d6432aa045cd2d6ee15d01c21f2c46e8c7f1c1ce849a0439bf86afa1711c6388ca2c5a5b4faf21ed9ba98e7f1208783560932c3a129c7b5bb5d38228c423a5a0c89cb91efe32c943419e19181bcf611c7cc22c5cbcd1df7a2b14fa9f171ea2bbe7b2ba8ab5bf62eb5fd929f00dd785e66b82777d01652b07d4f05df3c7768b50c640c3442001eec565ed4e7341fa4b343450fde7bd0fbad2edea56d2e67b04d753febd5befd0f39502e2b1452bcc9570727d529b4d6ec36528b219fbe53b557d91d460950f5a6eab1c525a2d99a0dbd9e60e72d489af1b0db88aca0d79c86245d0c9f59632cac30ab5c85a83fddf4368743f8a4f75a8d06bb6ac3c0159142e42abe40404142e2d19ba4bf915ead4aa3c6712ad84f73b2547e102ad76468ebd818818983a5f8e8763f904f5e43c56405ee2f9f44a4af9ce3d1cda3022ccd1cd9b668e0f8582563706d6813544ff858a9d7a7562bdafaa0be72b21ec56930a18f51340537d5ae30a971df69278e7fa8302220514339cdc2f0c15fedd700f04c44fd8eda08c0b39243c97c038a0b3b0525b3ba40e15860c9d1f5a754ffbaff69ec001997023c4e352616df4a0d6472689a21908dbf4de1e45f3ce7894be4f396df8279aed36ce5188429e43c8f3e656de349b59f4c4a0f656233b71e5b65d9403a11c442af8fff3f4b2d355213414ec57d7b94dbdb66fdede2b43229ad2ac80fe5b6b03679ae5a749ab1c7a8bc1711b9d4b2229831a214aa539c407157d7267fe7290d4d03c51aad8b6897f2175df070f84645bf2d4d49b0da64b0f9dac55e112a4c4d10eb698bd20cf25117dcfa5a8dedd3f474c9f856149920b06caeabe40341265aa066',1795941892048);
INSERT INTO replies VALUES(X'aeda53fa08a66e24e3c6e77feeeedaa6c8e2564112fa4fe6708fbc618b2977ed',X'a591508f399d4efe674fc02d20069a78b7e99f40a04f1a6fbc77755f2b263f79','twc_demo_I8U3DcieJmXUokuGu5o9yy',1,X'03d1d7304dae94fef3b1cf9f1d5ee8ac7f03c4021a8a798955a248d73aa1be2073de23c4de3e6b5c6e749ced8a2e3f3c7f30594fa14f39b193c47a4024522afb202ccfbf3915a2f2c86f815bfef3773d9cd51a5e945b11d789a0e1a2ef44ac3b25c04e78f5f760927797329e26d2c212c6fd923c5e484f47c5273e0628dc88c183f26449bfe2f53881961bbd2295885d07708f2cdc308064c9ca3d1da0725dd3c8bb598805b36d9f4fcf69b40d827ea7c5924a73245421d9b9b2cdb6762f1d5067836bc920cd9a72fa3b468911a190d9f7d0078781525233f50af9bb3a7761536e5c12d58624c3491654ee56273875736f3f9282f29fd1c2ad6be761e7ff634994d57d594705372b3ec56af7f3f215418a04cf1219278dbf942c744264a9116c6ab7e82d2bdf3a3a4b73f65970182f68deea0d80ff7a5a0039e66737e3267b8effdede67d0085c2115c7a913acdaced5f8d93855902754624990aeb5f97ef86adb9742523f28dff83454502f288df184cbe42a5a0573f69017a6542677cb1b94af9df17b7e4a06d7b47a6671d68c695b8649eebefcdd9de70b6b2c066dfdfb78f9a9031d27d64b16f21abf2b223ec3dd01ab94736eac7eaf9a1fe66d50687d9f56a6b5357cdf5402a7c200fbd2e6e5b54969fe924d4225064acd4aee512a05dd4625f2f0e5f644b338ed4ec4864d32ba329b2786e54e77dec18023a0c48595bce4153857759a588de7461115b9c62cb6fa679adef984e3428326ed5f1125b3a8154c6397299162dfdaf91f783c322261eb813ef4197ae2a7c527b2f480e789669223328a89901a0a6d59bb2019e08b69354350d2ed5e9005572e59b6bd3bf86bb5abbe89c0f79173d53ce276bba22de44903f2d37dce77ff2e383af08d15900e372ff341512610a390470cf7f113e205cfbd32593c4328576ddf227582b00d14ccce3e6c7d3d4bf55b4ce183390601dbea56ac912ebe5f8b9dcb4a72f301f34346b6541db8db6eda40d039f813de0761483451ba76afe7541fb12e4d96d40cf2ac5abcb2b3ba71fed8a915fb941c31f540f293bcfb604c9b17de68',1795941892066);
INSERT INTO replies VALUES(X'712e70cbaa809c6a682cd2d029f07067392246bd5d835c3b85b696fd806dbbca',X'ae93a3ae6961c47d79329670607bf5eb365d364d214699256f3da9a4d150c2d4','twc_platform_LLMtpttyij1PASR0qMeRzE',1,X'a387909607862ad3b2ad7c7a542fd03f62630b53aae7337c2dd634b35454438a42e29d1a4eb73f1a695049404cc9aadb2abe4a86c815dba437e2683941d7b8b63b4e6028f171310cdde0618aeb4cc1425054f45ca61a4605b13f8013a259600b4785d1cee05414711a5367689f808fef2f4e0c2db7476abc65e7cc886dbb49b6069667a1fd94b741fbf3a3f90c127bb209ca16859a0e064c4ec4a28f2ec5956ce50a6723a0a1800057ad4213697463638d3a41768b63a3a3ab66fb637cedcfcf02a7f8536e80ba46f9f5b75d279b62915081f70e082de3543382332ec7499c8ce07d215900b6b7f7ba12a5164d3c3daebd62b31a18ee9cc51551a6a1e319318a44c9ce6c3293f3c5e000f038bcea6bf4ddca42df9ac0f5cde5d5b5d106bc4478763974aa3cd92202a156044e5caf14dcf0b9dfbbc80b3fa17d844606cded545c2f196087938cf8671baf2273a756a0501f2e12355d9ed54f86d2769a287faa1c815f2c0f8d0555fb2f0a9ced5596e74c39c77324612ac7d3d7c2afc6570bfd9421ea396db4c4256e03bd260e117f1abe3c1e0756c45f06e7ce16d42f78f0a7ea208b4e1c2f287b357ed9ba4cad685690dc58153a3a95880f77ad421f52a2c2cc249e0f08185fec474f3ca5bf519cd283c07f07d11e0f6153ab59edbcfd2cafdd93a5effc4341180c0a2fac117acfc78d824ef06ed2dc0607741c7f077d1cd13effca86fef762adea1efc7b8a276054d1289f904da77724a46bbdf82683616d053a7f6cfa76daa1b9e9a652410c3dbd4b1c85ae488808b193641df5f70e266285c41764168066e3781f0faa1734906a4c872cd0627faa2a4ae9cb6e71a79f99b9d382c8aa962fe15ee2fcdfe133867af991ae150ab5eb3b592c427fcfd4e540e99686832e82c71d90bbd759b20befd5f7d982be492511964d7e89851c88e4d379eb841a890e84535b0c15ea4eb928c1ba9a0f5d2fdb83ffdff865d6883ccfe7802a5e77808b5a3f1d43e462df9b100a9a31c8af60398ee2fc74e776e3c372298726aa6abba2a3d31183291599df2bd9d66c33b7e6d30ce64654f8c0b7479a8eb3c4ea001b58661893ceb1ecd10ff57ac02fa516b3e6',1795941892089);
INSERT INTO replies VALUES(X'fca1e4ccae3220e8361c7f020a9a38a124a9081cf5b37dfb9441d5b5f7c711c6',X'b04bac1f06f95c9b9320de2641127a634241bb832cfe8860ce2e0544f9ac5a2a','',0,X'f7cd5c5d5e46c05090818252afc373e5792cbb35364073cba30e31d54f13f644ca512e130450635738fb33a590dd7eb112f102d2a6006013baa3cd0d2826a43f78134aa20cb1ba527406f93a356d6747274e1ae63c55161cb7d80c8a2f59f4668c7f67a2c6effaab4e1dc5050b14b61c2b662916cc20e7c5752b260d44b9215f2438d5f28dbf3724d20e198b7a7e424deb41d518d18a5a0d812ebfe86ddb733790ea91af029b4df79cb3c0d7f9783992b732f7365a39bbdf66b17293dbb4edbaafd0fb5f6c4d380c0822798100bf8b132a092ec174f429a54c43f6c2ba53fe71b94a5e031242d3baaa9c735c7ab148222ca4b09ffc48c4d5c1daa3a2e3d434e2a0511df11cb4f52a5fcc484685bec0f563e7850f2135e263b152742c70306222680190be0673a35e2f049d6832fc9ae81dcc89d0b7f081d8ab61989320e4f293d7c01c84acbe403ff61f0be1a737b1766beb4abb6de0d88e1fd08c7e8f5e8822bdcc1005c847a8842999057a0b63487675eada27180e2055f302f23923eb5642cd153a70bee756f9af9b64d52eaa2ef33eeeddab78e0368d91bf1984c35db219aa67a8a7dfc630626e755083e57f3c371b27870222e127d754c9a8b33c22fda320af5a3a2a26d341bc59e836a1385b73f7826a9c5cba749d73e6958d5d4d0b3a57994fbb35df8f5444d21eeb74b190c3e5b05fd435592edf5edd38e5ae19b699747fb0d7405004faae984cc5f24546ab72cac2958d7629e263b89afda64cbe4223b98142936678f835466dc65106b3bbb720e73eadde2ba5aeba57edb634fa79aae39765150c217538273744c6a7163df6e99a066f6016186222982a4a9cbadd0cab064beb6118d699b495a257759467af8e47aadd0974fcbc40472fceed0499c613c4cd36080edb529f9169b6507b4461cd671a2827bb39a9289f4375',1795941892136);
INSERT INTO replies VALUES(X'9efdf1c3acbefb776a53660ba67504864c408a16f45fbe8210f500887ccadfcd',X'8dd26affd420dd1809e5ae90656425036f2346873af64ec534701a355ed516a3','',0,X'b4ce29fe0486b93540cf767a9b39b60d739cb8a7c0bf80d43e3138a40b8fec9480d6a23d3e488084b2e42bef6ce019513e2979398b419ce072cf7113e7f66d374423e60514b9a1c35d40325c5a53f57e6eead2247e1c94632913407131af25b06c67c5cad09e7d098d450895fbbe4d428fab0620b54adae206c33445e17799329bc153104f11d46e23cf8ab01d04dd9cc25200332b23b309183b4734611e45d61169ee03291bffa9534f6adbe72652bc750e25cb88b0d0ac54cd51005bdcccd62f6a0a87f748e379cb5495a08b81fdcbea662ae36266c7408808c1d044ce11c0cd3f5db98c6872be123d4895147469bc2b0a28ee8463eb4a500744c67ea976b845ec088ef5958ad7802d2c2be0af111989117bc7d2d13ddc93e59df0db273da95341325817e82ed6b912950d1745f6a70473447955ce79f9cae734cd701a79a8bb6bf2a05df3f043421dc55a38b7650d6692f13055d84b0df339ac18f6b73c3d94d9f038459e25ad1c9f024b9f4347c7c14b3ac421289c855ebd7062f6d1f2c3e64da1340bb7868b58388b195ff016fc75540e6b0a1a1dfc19211b95e0fffc1f18e83af25b9d556907c56e5ada79ee53d513d1ac9e53839bef72bcc1e14e20c820476c74bd5e84a1d83e0520e7834ec1cedfd1cdbb7740142ae22fbf4ebcedb430496a8031335320365e20e30b6dab51570181a5972af96ae5660806a8f11fd0eb36143eb4f8327de7dec3d9e9493b9f761507de70c0b93cbe1cd30503d2b42811988cd528feeccc248dbc989e414a83fec8fb8c689dde784822d3e56cbfbe2ed5c0a03b2fe8cc1058b26b422091dd1504df4335bacabc5cd9ceb15ecf0fff298663971141087502317aabc33f3fae252c01b4c8c9c9b7c27bf6b05393e7989600f1e783cb15f9312f0079541d79c99e083a29cda4dce0c87780f9b12a6986b2b77bf47f245e7d55d14227d92937f557ace3b49815f57ed0b97e21a63324974b04cb6c55',1795941894327);
CREATE TABLE webhook_cursors (
    name    TEXT   PRIMARY KEY,
    seq     BIGINT NOT NULL, -- of the last event that was looked at
    seen_at BIGINT NOT NULL  -- when it was last in use
);
INSERT INTO webhook_cursors VALUES('audit',52,1795941894437);
CREATE TABLE webhook_deliveries (
    webhook      TEXT   NOT NULL,
    seq          BIGINT NOT NULL, -- of the event
    kind         TEXT   NOT NULL,
    state        TEXT   NOT NULL, -- pending, delivered, failed
    attempts     BIGINT NOT NULL, -- that were begun
    status       BIGINT NOT NULL, -- HTTP status that was last answered; 0 for none
    error        TEXT   NOT NULL, -- the class of why the last attempt failed
    created_at   BIGINT NOT NULL,
    attempted_at BIGINT NOT NULL, -- when the last attempt began
    next_at      BIGINT NOT NULL, -- while pending: from when on it may be attempted
    ended_at     BIGINT NOT NULL, told TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (webhook, seq)
);
INSERT INTO webhook_deliveries VALUES('audit',2,'merchant.created','pending',1,0,'connection',1795941892210,1795941892212,1795941896320,0,'');
INSERT INTO webhook_deliveries VALUES('audit',3,'scope.created','pending',1,0,'connection',1795941892210,1795941892212,1795941897088,0,'');
INSERT INTO webhook_deliveries VALUES('audit',4,'scope.created','pending',1,0,'connection',1795941892210,1795941892212,1795941897398,0,'');
INSERT INTO webhook_deliveries VALUES('audit',5,'user.created','pending',1,0,'connection',1795941892210,1795941892212,1795941896595,0,'');
INSERT INTO webhook_deliveries VALUES('audit',6,'user.created','pending',1,0,'connection',1795941892210,1795941892212,1795941897629,0,'');
INSERT INTO webhook_deliveries VALUES('audit',7,'user.reset','pending',1,0,'connection',1795941892210,1795941892212,1795941897502,0,'');
INSERT INTO webhook_deliveries VALUES('audit',8,'user.created','pending',1,0,'connection',1795941892210,1795941892212,1795941896288,0,'');
INSERT INTO webhook_deliveries VALUES('audit',9,'user.reset','pending',1,0,'connection',1795941892210,1795941892212,1795941896901,0,'');
INSERT INTO webhook_deliveries VALUES('audit',10,'user.created','pending',1,0,'connection',1795941892210,1795941892218,1795941896949,0,'');
INSERT INTO webhook_deliveries VALUES('audit',11,'user.reset','pending',1,0,'connection',1795941892210,1795941892220,1795941897832,0,'');
INSERT INTO webhook_deliveries VALUES('audit',12,'user.disabled','pending',1,0,'connection',1795941892210,1795941892222,1795941897990,0,'');
INSERT INTO webhook_deliveries VALUES('audit',13,'user.created','pending',1,0,'connection',1795941892210,1795941892222,1795941896777,0,'');
INSERT INTO webhook_deliveries VALUES('audit',14,'user.reset','pending',1,0,'connection',1795941892210,1795941892222,1795941897545,0,'');
INSERT INTO webhook_deliveries VALUES('audit',15,'user.deleted','pending',1,0,'connection',1795941892210,1795941892222,1795941897392,0,'');
INSERT INTO webhook_deliveries VALUES('audit',16,'portal_link.created','pending',1,0,'connection',1795941892210,1795941892225,1795941897978,0,'');
INSERT INTO webhook_deliveries VALUES('audit',17,'merchant.updated','pending',1,0,'connection',1795941892210,1795941892227,1795941896606,0,'');
INSERT INTO webhook_deliveries VALUES('audit',18,'merchant.created','pending',1,0,'connection',1795941892210,1795941892227,1795941897107,0,'');
INSERT INTO webhook_deliveries VALUES('audit',19,'merchant.created','pending',1,0,'connection',1795941892210,1795941892227,1795941897849,0,'');
INSERT INTO webhook_deliveries VALUES('audit',20,'scope.created','pending',1,0,'connection',1795941892210,1795941892229,1795941897394,0,'');
INSERT INTO webhook_deliveries VALUES('audit',21,'api_key.created','pending',1,0,'connection',1795941892210,1795941892231,1795941897462,0,'');
INSERT INTO webhook_deliveries VALUES('audit',22,'api_key.created','pending',1,0,'connection',1795941892210,1795941892234,1795941897269,0,'');
INSERT INTO webhook_deliveries VALUES('audit',23,'api_key.created','pending',1,0,'connection',1795941892210,1795941892234,1795941896820,0,'');
INSERT INTO webhook_deliveries VALUES('audit',24,'api_key.rotated','pending',1,0,'connection',1795941892210,1795941892234,1795941897117,0,'');
INSERT INTO webhook_deliveries VALUES('audit',25,'api_key.created','pending',1,0,'connection',1795941892210,1795941892234,1795941897140,0,'');
INSERT INTO webhook_deliveries VALUES('audit',26,'api_key.rotated','pending',1,0,'connection',1795941892210,1795941892237,1795941896955,0,'');
INSERT INTO webhook_deliveries VALUES('audit',27,'api_key.created','pending',1,0,'connection',1795941892210,1795941892238,1795941897651,0,'');
INSERT INTO webhook_deliveries VALUES('audit',28,'api_key.disabled','pending',1,0,'connection',1795941892210,1795941892248,1795941897889,0,'');
INSERT INTO webhook_deliveries VALUES('audit',29,'api_key.created','pending',1,0,'connection',1795941892210,1795941892248,1795941897839,0,'');
INSERT INTO webhook_deliveries VALUES('audit',30,'api_key.disabled','pending',1,0,'connection',1795941892210,1795941892248,1795941896963,0,'');
INSERT INTO webhook_deliveries VALUES('audit',31,'api_key.enabled','pending',1,0,'connection',1795941892210,1795941892248,1795941897972,0,'');
INSERT INTO webhook_deliveries VALUES('audit',32,'api_key.created','pending',1,0,'connection',1795941892210,1795941892248,1795941896407,0,'');
INSERT INTO webhook_deliveries VALUES('audit',33,'api_key.deleted','pending',1,0,'connection',1795941892210,1795941892248,1795941896325,0,'');
INSERT INTO webhook_deliveries VALUES('audit',34,'api_key.created','pending',1,0,'connection',1795941892210,1795941892248,1795941897013,0,'');
INSERT INTO webhook_deliveries VALUES('audit',35,'api_key.created','pending',1,0,'connection',1795941892210,1795941892250,1795941897926,0,'');
INSERT INTO webhook_deliveries VALUES('audit',36,'api_key.updated','pending',1,0,'connection',1795941892210,1795941892252,1795941897871,0,'');
INSERT INTO webhook_deliveries VALUES('audit',37,'api_key.created','pending',1,0,'connection',1795941892210,1795941892255,1795941898075,0,'');
INSERT INTO webhook_deliveries VALUES('audit',38,'api_key.updated','pending',1,0,'connection',1795941892210,1795941892255,1795941898034,0,'');
INSERT INTO webhook_deliveries VALUES('audit',39,'api_key.created','pending',1,0,'connection',1795941892210,1795941892255,1795941896992,0,'');
INSERT INTO webhook_deliveries VALUES('audit',40,'api_key.updated','pending',1,0,'connection',1795941892210,1795941892255,1795941896743,0,'');
INSERT INTO webhook_deliveries VALUES('audit',41,'scope.deleted','pending',1,0,'connection',1795941892210,1795941892255,1795941897857,0,'');
INSERT INTO webhook_deliveries VALUES('audit',42,'api_key.created','pending',1,0,'connection',1795941892210,1795941892256,1795941897552,0,'');
INSERT INTO webhook_deliveries VALUES('audit',43,'merchant.suspended','pending',1,0,'connection',1795941892210,1795941892256,1795941896648,0,'');
INSERT INTO webhook_deliveries VALUES('audit',44,'api_key.created','pending',1,0,'connection',1795941892210,1795941892260,1795941897333,0,'');
INSERT INTO webhook_deliveries VALUES('audit',45,'api_key.deleted','pending',1,0,'connection',1795941892210,1795941892262,1795941896680,0,'');
INSERT INTO webhook_deliveries VALUES('audit',46,'merchant.deleted','pending',1,0,'connection',1795941892210,1795941892262,1795941897506,0,'');
INSERT INTO webhook_deliveries VALUES('audit',47,'api_key.created','pending',1,0,'connection',1795941892210,1795941892262,1795941897048,0,'');
INSERT INTO webhook_deliveries VALUES('audit',48,'api_key.created','pending',1,0,'connection',1795941892210,1795941892262,1795941896861,0,'');
INSERT INTO webhook_deliveries VALUES('audit',49,'api_key.created','pending',1,0,'connection',1795941892210,1795941892262,1795941898157,0,'');
INSERT INTO webhook_deliveries VALUES('audit',50,'secret.leaked','pending',1,0,'connection',1795941892210,1795941892264,1795941896442,0,'');
INSERT INTO webhook_deliveries VALUES('audit',51,'signing_key.wanted','pending',1,0,'connection',1795941892210,1795941892264,1795941896471,0,'');
INSERT INTO webhook_deliveries VALUES('audit',52,'signing_key.announced','pending',1,0,'connection',1795941892210,1795941892265,1795941898259,0,'');
CREATE TABLE users (
    id         TEXT   PRIMARY KEY,
    email      TEXT   NOT NULL, -- as it was written
    email_key  TEXT   NOT NULL, -- what no two users have in common
    name       TEXT   NOT NULL,
    status     TEXT   NOT NULL CHECK (status IN ('active', 'disabled', 'deleted')),
    operator   BIGINT NOT NULL CHECK (operator IN (0, 1)),
    created_at BIGINT NOT NULL,
    created_by TEXT   NOT NULL,
    updated_at BIGINT NOT NULL,
    version    BIGINT NOT NULL
, used_at BIGINT NOT NULL DEFAULT 0, enabled_at BIGINT NOT NULL DEFAULT 0);
INSERT INTO users VALUES('usr_YmyQKMIFpIgsbXWs3aWDap','ada@example.com','ada@example.com','Ada','active',1,1795941891308,'system',1795941891308,1,1795941891358,1795941891308);
INSERT INTO users VALUES('usr_96ZQBzTL92uqWICArsxt8P','ann@example.com','ann@example.com','Ann','active',0,1795941891376,'cli:root@vm',1795941891378,2,0,1795941891378);
INSERT INTO users VALUES('usr_OFwpf0kPervwcXjAzgD1Ro','vic@example.com','vic@example.com','Vic','active',0,1795941891398,'cli:root@vm',1795941891400,2,0,1795941891400);
INSERT INTO users VALUES('usr_WUXijA8yzYvI1eKXKqPDzO','dora@example.com','dora@example.com','Dora','disabled',1,1795941891425,'cli:root@vm',1795941891458,3,0,1795941891429);
INSERT INTO users VALUES('usr_bstP8q8H8AZaMl1mn7JOIj','','','','deleted',0,1795941891477,'cli:root@vm',1795941891497,3,0,1795941891479);
CREATE TABLE memberships (
    user_id     TEXT NOT NULL REFERENCES users (id),
    merchant_id TEXT NOT NULL REFERENCES merchants (id),
    role        TEXT NOT NULL CHECK (role IN ('administrator', 'viewer')),
    PRIMARY KEY (user_id, merchant_id)
);
INSERT INTO memberships VALUES('usr_96ZQBzTL92uqWICArsxt8P','4259','administrator');
INSERT INTO memberships VALUES('usr_OFwpf0kPervwcXjAzgD1Ro','4259','viewer');
CREATE TABLE credentials (
    user_id   TEXT   PRIMARY KEY REFERENCES users (id),
    password  TEXT   NOT NULL, -- PHC string of argon2id; '' for none
    totp      BYTEA  NOT NULL, -- the shared secret, sealed; empty for none
    totp_step BIGINT NOT NULL  -- of the last code that was taken
);
INSERT INTO credentials VALUES('usr_YmyQKMIFpIgsbXWs3aWDap','$argon2id$v=19$m=19456,t=2,p=1$tFfskFGeSeWyUrODkEH2dA$mm3nSQwR30a+EBSKvvIIJYL8ch650ZM78lJhbaSMc0U',X'',0);
CREATE TABLE recovery_codes (
    user_id TEXT  NOT NULL REFERENCES users (id),
    hash    BYTEA NOT NULL,
    PRIMARY KEY (user_id, hash)
);
CREATE TABLE identities (
    issuer  TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    PRIMARY KEY (issuer, subject)
);
CREATE TABLE links (
    id          TEXT   PRIMARY KEY,
    hash        BYTEA  NOT NULL UNIQUE, -- SHA-256 of the token
    kind        TEXT   NOT NULL CHECK (kind IN ('set-up', 'invitation', 'reset', 'portal')),
    user_id     TEXT   NOT NULL, -- '' for none, here and below
    email       TEXT   NOT NULL,
    merchant_id TEXT   NOT NULL,
    role        TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    created_by  TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL
);
INSERT INTO links VALUES('lnk_ybx4iX6bLQGmnXeW8idF19',X'b85983ee1902c5fb7ec0824f0c2785e410cb3dfe51b1359fec9ac4bf9e9a8f89','reset','usr_96ZQBzTL92uqWICArsxt8P','','','',1795941891378,'cli:root@vm',1796028291378);
INSERT INTO links VALUES('lnk_4DpW4DtMyFmmGRpQ7QwayT',X'2046abc092645f6a905529fa3ff0a061c784c90d3227b7aa2cc6a7c86e4edde4','reset','usr_OFwpf0kPervwcXjAzgD1Ro','','','',1795941891400,'cli:root@vm',1796028291400);
INSERT INTO links VALUES('lnk_IG40hUKnPybdYmdj2OPR7a',X'54544fbab35fe1436f885b36e70cc18622009b7ebd77915253c96e48600a4556','portal','','','4259','administrator',1795941891518,'cli:root@vm',1795942191518);
CREATE TABLE sessions (
    id               TEXT   PRIMARY KEY,
    hash             BYTEA  NOT NULL UNIQUE, -- SHA-256 of the token
    user_id          TEXT   NOT NULL, -- '' where it came by a link into the console of a merchant
    merchant_id      TEXT   NOT NULL, -- of such a link
    method           TEXT   NOT NULL,
    pending          BIGINT NOT NULL CHECK (pending IN (0, 1)),
    created_at       BIGINT NOT NULL,
    seen_at          BIGINT NOT NULL,
    authenticated_at BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    address          TEXT   NOT NULL,
    agent            TEXT   NOT NULL
);
INSERT INTO sessions VALUES('ses_8GAHG3cApaXmZz9HhHlrNq',X'84a22280fc6c8cf54ba2acdf57c1809f6806d0765f6a13974b9728b15701a950','usr_YmyQKMIFpIgsbXWs3aWDap','','password',0,1795941891358,1795941891358,1795941891358,1795985091358,'127.0.0.1','Go-http-client/1.1');
CREATE TABLE sign_in_failures (
    id        BYTEA  PRIMARY KEY, -- SHA-256 of what was tried
    failures  BIGINT NOT NULL,
    failed_at BIGINT NOT NULL
);
CREATE TABLE usage_totals (
    merchant_id TEXT   NOT NULL,
    span        BIGINT NOT NULL, -- milliseconds: an hour, or a day
    began       BIGINT NOT NULL, -- Unix milliseconds
    env         TEXT   NOT NULL,
    outcome     TEXT   NOT NULL,
    count       BIGINT NOT NULL,
    PRIMARY KEY (merchant_id, span, began, env, outcome)
);
INSERT INTO usage_totals VALUES('',3600000,1795939200000,'demo','address_not_allowed',1);
INSERT INTO usage_totals VALUES('',3600000,1795939200000,'demo','authenticated',1);
INSERT INTO usage_totals VALUES('',3600000,1795939200000,'demo','issued',7);
INSERT INTO usage_totals VALUES('',3600000,1795939200000,'demo','key_disabled',1);
INSERT INTO usage_totals VALUES('',3600000,1795939200000,'demo','key_expired',1);
INSERT INTO usage_totals VALUES('',3600000,1795939200000,'demo','merchant_suspended',1);
INSERT INTO usage_totals VALUES('',3600000,1795939200000,'demo','scope_none',1);
INSERT INTO usage_totals VALUES('',3600000,1795939200000,'demo','secret_expired',1);
INSERT INTO usage_totals VALUES('',3600000,1795939200000,'platform','issued',2);
INSERT INTO usage_totals VALUES('',3600000,1795939200000,'production','issued',2);
INSERT INTO usage_totals VALUES('',3600000,1795939200000,'production','secret_expired',1);
INSERT INTO usage_totals VALUES('',86400000,1795910400000,'demo','address_not_allowed',1);
INSERT INTO usage_totals VALUES('',86400000,1795910400000,'demo','authenticated',1);
INSERT INTO usage_totals VALUES('',86400000,1795910400000,'demo','issued',7);
INSERT INTO usage_totals VALUES('',86400000,1795910400000,'demo','key_disabled',1);
INSERT INTO usage_totals VALUES('',86400000,1795910400000,'demo','key_expired',1);
INSERT INTO usage_totals VALUES('',86400000,1795910400000,'demo','merchant_suspended',1);
INSERT INTO usage_totals VALUES('',86400000,1795910400000,'demo','scope_none',1);
INSERT INTO usage_totals VALUES('',86400000,1795910400000,'demo','secret_expired',1);
INSERT INTO usage_totals VALUES('',86400000,1795910400000,'platform','issued',2);
INSERT INTO usage_totals VALUES('',86400000,1795910400000,'production','issued',2);
INSERT INTO usage_totals VALUES('',86400000,1795910400000,'production','secret_expired',1);
INSERT INTO usage_totals VALUES('4259',3600000,1795939200000,'demo','address_not_allowed',1);
INSERT INTO usage_totals VALUES('4259',3600000,1795939200000,'demo','authenticated',1);
INSERT INTO usage_totals VALUES('4259',3600000,1795939200000,'demo','issued',7);
INSERT INTO usage_totals VALUES('4259',3600000,1795939200000,'demo','key_disabled',1);
INSERT INTO usage_totals VALUES('4259',3600000,1795939200000,'demo','key_expired',1);
INSERT INTO usage_totals VALUES('4259',3600000,1795939200000,'demo','scope_none',1);
INSERT INTO usage_totals VALUES('4259',3600000,1795939200000,'demo','secret_expired',1);
INSERT INTO usage_totals VALUES('4259',3600000,1795939200000,'production','issued',2);
INSERT INTO usage_totals VALUES('4259',3600000,1795939200000,'production','secret_expired',1);
INSERT INTO usage_totals VALUES('4260',3600000,1795939200000,'demo','merchant_suspended',1);
CREATE TABLE nodes (
    id         TEXT   PRIMARY KEY,
    version    TEXT   NOT NULL,
    host       TEXT   NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,
    event_seq  BIGINT NOT NULL, -- of the last event in its directory
    current_at BIGINT NOT NULL  -- up to when its directory knows all
);
INSERT INTO nodes VALUES('IGHEVZK6QXZROWU2EE2BMIR2HQ','(devel)','vm',1795941894392,1795941894430,58,1795941894428);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('goose_db_version',10);
CREATE INDEX api_keys_by_merchant ON api_keys (merchant_id, env, status);
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (env) WHERE status = 'active';
CREATE UNIQUE INDEX revocations_by_token ON revocations (client_id, jti) WHERE jti <> '';
CREATE INDEX revocations_by_end ON revocations (expires_at, created_at);
CREATE INDEX usage_by_hour ON usage (hour);
CREATE INDEX merchants_suspended ON merchants (id) WHERE status = 'suspended';
CREATE INDEX replies_by_age ON replies (created_at);
CREATE INDEX api_keys_in_order ON api_keys (merchant_id, id);
CREATE INDEX events_by_merchant ON events (merchant_id, seq);
CREATE INDEX events_by_env ON events (env, seq);
CREATE INDEX events_by_subject ON events (subject, seq);
CREATE INDEX events_by_kind ON events (kind, seq);
CREATE INDEX events_by_actor ON events (actor, seq);
CREATE INDEX events_by_time ON events (time, seq);
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (webhook, next_at, seq) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (webhook, state, ended_at);
CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries (ended_at) WHERE state <> 'pending';
CREATE UNIQUE INDEX users_by_email ON users (email_key) WHERE status <> 'deleted';
CREATE INDEX users_operators ON users (status) WHERE operator = 1;
CREATE INDEX memberships_by_merchant ON memberships (merchant_id, user_id);
CREATE INDEX identities_by_user ON identities (user_id);
CREATE INDEX links_by_merchant ON links (kind, merchant_id, id);
CREATE INDEX links_by_user ON links (user_id);
CREATE INDEX links_by_creator ON links (created_by);
CREATE INDEX links_by_end ON links (expires_at);
CREATE INDEX sessions_by_user ON sessions (user_id, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);
CREATE INDEX sign_in_failures_by_age ON sign_in_failures (failed_at);
CREATE INDEX api_keys_newest ON api_keys (merchant_id, env, created_at, id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_name ON api_keys (merchant_id, env, lower(name), id) WHERE status <> 'deleted';
CREATE INDEX api_keys_in_env ON api_keys (merchant_id, env, id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_env ON api_keys (env, id) WHERE status <> 'deleted';
CREATE INDEX api_keys_by_status ON api_keys (status, id);
CREATE INDEX merchants_by_name ON merchants (lower(name), id) WHERE status <> 'deleted';
CREATE INDEX users_by_name ON users (lower(name), id) WHERE status <> 'deleted';
CREATE INDEX users_by_status ON users (status, id);
CREATE INDEX events_by_merchant_kind ON events (coalesce(merchant_id, ''), coalesce(kind, ''), seq);
CREATE INDEX events_by_merchant_actor ON events (coalesce(merchant_id, ''), coalesce(actor, ''), seq);
CREATE INDEX events_by_merchant_env ON events (coalesce(merchant_id, ''), coalesce(env, ''), seq);
CREATE INDEX events_by_kind_actor ON events (coalesce(kind, ''), coalesce(actor, ''), seq);
CREATE INDEX events_by_kind_actor_env ON events (coalesce(kind, ''), coalesce(actor, ''), coalesce(env, ''), seq);
CREATE INDEX events_by_kind_env ON events (coalesce(kind, ''), coalesce(env, ''), seq);
CREATE INDEX events_by_actor_env ON events (coalesce(actor, ''), coalesce(env, ''), seq);
CREATE INDEX usage_totals_by_time ON usage_totals (began);
CREATE INDEX nodes_by_time ON nodes (seen_at);
COMMIT;
