BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE changes (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	product VARCHAR(64) NOT NULL, 
	time FLOAT NOT NULL, 
	operator VARCHAR(64) NOT NULL, 
	action VARCHAR(16) NOT NULL, 
	revision INTEGER, 
	words TEXT NOT NULL
);
INSERT INTO "changes" VALUES(1,'part',1795921545.54272,'','refused',NULL,'cannot read broken.png: it is not a PNG, JPEG, BMP, TIFF or WebP picture');
CREATE TABLE feedback (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	record INTEGER NOT NULL, 
	time FLOAT NOT NULL, 
	operator VARCHAR(64) NOT NULL, 
	answer VARCHAR(8) NOT NULL, 
	revision INTEGER, 
	undone FLOAT, 
	FOREIGN KEY(record) REFERENCES records (id)
);
INSERT INTO "feedback" VALUES(1,2,1.79592153898700094228e+09,'','good',NULL,NULL);
INSERT INTO "feedback" VALUES(2,3,1.7959215390842328072e+09,'','defect',NULL,NULL);
INSERT INTO "feedback" VALUES(3,4,1.79592153912063646321e+09,'','unsure',NULL,1.79592153923086833957e+09);
CREATE TABLE records (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	product VARCHAR(64) NOT NULL, 
	name TEXT NOT NULL, 
	source VARCHAR(16) NOT NULL, 
	operator VARCHAR(64) NOT NULL, 
	time FLOAT NOT NULL, 
	milliseconds FLOAT NOT NULL, 
	verdict VARCHAR(8), 
	score FLOAT NOT NULL, 
	p_value FLOAT, 
	limit_score FLOAT, 
	limit_review FLOAT, 
	limit_pixel FLOAT, 
	regions JSON NOT NULL, 
	note TEXT NOT NULL, 
	height INTEGER NOT NULL, 
	width INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	file_sha256 VARCHAR(64) NOT NULL, 
	picture_sha256 VARCHAR(64) NOT NULL, 
	picture_bytes INTEGER NOT NULL, 
	heat_sha256 VARCHAR(64), 
	kept BOOLEAN NOT NULL, 
	answer VARCHAR(8)
);
INSERT INTO "records" VALUES(1,'part','seen.png','folder','',1.79592153621070289609e+09,257.663,'good',1.61089465022087097167e-01,0.85,2.09407940506935119628e-01,1.89224287867546081542e-01,1.67683035135269165039e-01,'[]','',48,48,0,'82b4288d53997f0f699c38f8f63290063e2cd7324d680e0141bcb1fbba29c871','49743660a4bc66170082d12dae5c99cce4ca4bfdc727bfa47d316738d9905b49',4632,'46455cfbc3bdd0e8b7ee6a0c673e113a99e613f53bcaa87ac0fb0e5bbe7b3df1',1,NULL);
INSERT INTO "records" VALUES(2,'part','0.png','api','',1.7959215385860147476e+09,36.334,'good',1.63916334509849548339e-01,0.8,2.09407940506935119628e-01,1.89224287867546081542e-01,1.67683035135269165039e-01,'[]','',48,48,0,'82b4288d53997f0f699c38f8f63290063e2cd7324d680e0141bcb1fbba29c871','d676885609c81a0f173b25608b4d1d721fef6d2a21d44f13551a99ddc947b044',4618,'9bd5d40e850bff6cfdf313e47f6a212cff3f5fdb9b5d4d3466bc4d4a56501a0b',1,'good');
INSERT INTO "records" VALUES(3,'part','1.png','api','',1.79592153871619653699e+09,20.947,'defect',2.51519346237182617187e+00,0.05,2.09407940506935119628e-01,1.89224287867546081542e-01,1.67683035135269165039e-01,'[{"box_px": [8, 17, 40, 31], "area_px": 1085, "peak": 1.512648582458496, "peak_px": [25, 33], "nearest_good": {"picture": "good13.png", "row_px": 26.0, "column_px": 30.0}, "zone": null, "zone_limit": 1.0, "distance": 2.789146900177002, "p_value": 0.05, "contour_px": [[[8.34, 31.5], [8.5, 30.8], [8.55, 30.5], [8.75, 29.5], [9.0, 28.5], [9.29, 27.5], [9.5, 26.85], [9.59, 26.5], [9.88, 25.5], [10.24, 24.5], [10.5, 23.88], [10.65, 23.5], [11.14, 22.5], [11.5, 21.93], [11.78, 21.5], [12.5, 20.64], [12.63, 20.5], [13.5, 19.7], [13.75, 19.5], [14.5, 18.96], [15.3, 18.5], [15.5, 18.39], [16.5, 17.88], [17.5, 17.52], [17.55, 17.5], [18.5, 17.16], [19.5, 16.89], [20.5, 16.71], [21.5, 16.6], [22.5, 16.54], [23.5, 16.53], [24.5, 16.57], [25.5, 16.64], [26.5, 16.75], [27.5, 16.89], [28.5, 17.06], [29.5, 17.27], [30.41, 17.5], [30.5, 17.52], [31.5, 17.72], [32.5, 17.97], [33.5, 18.31], [33.97, 18.5], [34.5, 18.68], [35.5, 19.11], [36.19, 19.5], [36.5, 19.66], [37.5, 20.27], [37.82, 20.5], [38.5, 20.95], [39.22, 21.5], [39.5, 21.71], [40.5, 22.5], [40.5, 22.5], [41.5, 23.27], [41.81, 23.5], [42.5, 24.02], [43.18, 24.5], [43.5, 24.73], [44.5, 25.35], [44.81, 25.5], [45.5, 25.85], [46.5, 26.2], [47.5, 26.38], [48.0, 26.5], [48.0, 27.5], [48.0, 28.5], [48.0, 29.5], [48.0, 30.5], [48.0, 31.5], [48.0, 32.5], [48.0, 33.5], [48.0, 34.5], [48.0, 35.5], [48.0, 36.5], [48.0, 37.5], [48.0, 38.5], [48.0, 39.5], [48.0, 40.5], [48.0, 41.5], [48.0, 42.5], [48.0, 43.5], [48.0, 44.5], [48.0, 45.5], [48.0, 46.5], [48.0, 47.5], [47.5, 48.0], [46.5, 48.0], [45.5, 48.0], [44.5, 48.0], [43.5, 48.0], [42.5, 48.0], [41.5, 48.0], [40.5, 48.0], [39.5, 48.0], [38.5, 48.0], [37.5, 48.0], [36.5, 48.0], [35.5, 48.0], [34.5, 48.0], [33.5, 48.0], [32.5, 48.0], [31.5, 48.0], [30.5, 48.0], [29.5, 48.0], [28.5, 48.0], [27.5, 48.0], [26.5, 48.0], [25.5, 48.0], [24.5, 48.0], [23.5, 48.0], [22.5, 48.0], [21.5, 48.0], [20.5, 48.0], [19.5, 48.0], [18.5, 48.0], [17.5, 48.0], [16.5, 48.0], [15.5, 48.0], [14.5, 48.0], [13.5, 48.0], [12.5, 48.0], [11.78, 47.5], [11.62, 46.5], [11.5, 46.08], [11.3, 45.5], [10.88, 44.5], [10.5, 43.59], [10.46, 43.5], [9.97, 42.5], [9.57, 41.5], [9.5, 41.3], [9.17, 40.5], [8.83, 39.5], [8.58, 38.5], [8.5, 38.09], [8.35, 37.5], [8.17, 36.5], [8.06, 35.5], [8.03, 34.5], [8.06, 33.5], [8.17, 32.5]]]}]','',48,48,0,'82b4288d53997f0f699c38f8f63290063e2cd7324d680e0141bcb1fbba29c871','c603ec13d281b198cc988a389a11595b616a75e63553dbaa2ee1ad575f60d6cf',4493,'85fbe2abe73aa7f755390ca075ecdfa055ad667297d362335eecc6b901eb4ad0',1,'defect');
INSERT INTO "records" VALUES(4,'part','2.png','api','',1.79592153882620477671e+09,32.553,'good',1.77615314722061157226e-01,0.25,2.09407940506935119628e-01,1.89224287867546081542e-01,1.67683035135269165039e-01,'[{"box_px": [45, 25, 3, 7], "area_px": 18, "peak": 0.17109143733978271, "peak_px": [47, 28], "nearest_good": {"picture": "good36.png", "row_px": 46.0, "column_px": 30.0}, "zone": null, "zone_limit": 1.0, "distance": 0.19727201759815216, "p_value": 0.05, "contour_px": [[[44.8, 26.5], [45.5, 25.54], [45.55, 25.5], [46.5, 25.0], [47.5, 24.76], [48.0, 25.5], [48.0, 26.5], [48.0, 27.5], [48.0, 28.5], [48.0, 29.5], [48.0, 30.5], [48.0, 31.5], [47.5, 31.6], [47.07, 31.5], [46.5, 31.31], [45.5, 30.58], [45.43, 30.5], [44.88, 29.5], [44.59, 28.5], [44.55, 27.5]]]}]','',48,48,0,'82b4288d53997f0f699c38f8f63290063e2cd7324d680e0141bcb1fbba29c871','212c9583af60ee8185714959e91b8ac49181370d1f7c7a34754f2bf72c77f24f',4631,'a9c4e50fb598ae8390c29a864c37d32680d70ada12a0e92e630dba101dce3e60',1,NULL);
CREATE TABLE seen (
	path TEXT NOT NULL, 
	stamp VARCHAR(64) NOT NULL, 
	record INTEGER, 
	error TEXT, 
	PRIMARY KEY (path, stamp)
);
INSERT INTO "seen" VALUES('/parts/seen.png','4632:1795921501813569977',1,NULL);
INSERT INTO "seen" VALUES('/parts/broken.png','10:1795921501813716141',NULL,'cannot read broken.png: it is not a PNG, JPEG, BMP, TIFF or WebP picture');
CREATE INDEX records_by_time ON records (time);
CREATE INDEX records_by_product ON records (product, id);
CREATE INDEX records_by_picture ON records (picture_sha256);
CREATE INDEX records_by_heat ON records (heat_sha256);
CREATE INDEX records_by_answer ON records (product, answer, verdict);
CREATE INDEX ix_feedback_record ON feedback (record);
CREATE INDEX ix_changes_product ON changes (product);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('records',4);
INSERT INTO "sqlite_sequence" VALUES('feedback',3);
INSERT INTO "sqlite_sequence" VALUES('changes',1);
COMMIT;