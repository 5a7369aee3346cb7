SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.changes (
    id integer NOT NULL,
    product character varying(64) NOT NULL,
    "time" double precision NOT NULL,
    operator character varying(64) NOT NULL,
    action character varying(16) NOT NULL,
    revision integer,
    words text NOT NULL
);
CREATE SEQUENCE public.changes_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.changes_id_seq OWNED BY public.changes.id;
CREATE TABLE public.feedback (
    id integer NOT NULL,
    record integer NOT NULL,
    "time" double precision NOT NULL,
    operator character varying(64) NOT NULL,
    answer character varying(8) NOT NULL,
    revision integer,
    undone double precision
);
CREATE SEQUENCE public.feedback_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.feedback_id_seq OWNED BY public.feedback.id;
CREATE TABLE public.records (
    id integer NOT NULL,
    product character varying(64) NOT NULL,
    name text NOT NULL,
    source character varying(16) NOT NULL,
    operator character varying(64) NOT NULL,
    "time" double precision NOT NULL,
    milliseconds double precision NOT NULL,
    verdict character varying(8),
    score double precision NOT NULL,
    p_value double precision,
    limit_score double precision,
    limit_review double precision,
    limit_pixel double precision,
    regions json NOT NULL,
    note text NOT NULL,
    height integer NOT NULL,
    width integer NOT NULL,
    revision integer NOT NULL,
    file_sha256 character varying(64) NOT NULL,
    picture_sha256 character varying(64) NOT NULL,
    picture_bytes integer NOT NULL,
    heat_sha256 character varying(64),
    kept boolean NOT NULL,
    answer character varying(8)
);
CREATE SEQUENCE public.records_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.records_id_seq OWNED BY public.records.id;
CREATE TABLE public.seen (
    path text NOT NULL,
    stamp character varying(64) NOT NULL,
    record integer,
    error text
);
ALTER TABLE ONLY public.changes ALTER COLUMN id SET DEFAULT nextval('public.changes_id_seq'::regclass);
ALTER TABLE ONLY public.feedback ALTER COLUMN id SET DEFAULT nextval('public.feedback_id_seq'::regclass);
ALTER TABLE ONLY public.records ALTER COLUMN id SET DEFAULT nextval('public.records_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0001');
INSERT INTO public.changes VALUES (1, 'part', 1795921560.8304088, '', 'refused', NULL, 'cannot read broken.png: it is not a PNG, JPEG, BMP, TIFF or WebP picture');
INSERT INTO public.feedback VALUES (1, 2, 1795921553.8823602, '', 'good', NULL, NULL);
INSERT INTO public.feedback VALUES (2, 3, 1795921554.0381496, '', 'defect', NULL, NULL);
INSERT INTO public.feedback VALUES (3, 4, 1795921554.1143327, '', 'unsure', NULL, 1795921554.3036976);
INSERT INTO public.records VALUES (1, 'part', 'seen.png', 'folder', '', 1795921550.849225, 219.772, 'good', 0.1610894650220871, 0.85, 0.20940794050693512, 0.18922428786754608, 0.16768303513526917, '[]', '', 48, 48, 0, '82b4288d53997f0f699c38f8f63290063e2cd7324d680e0141bcb1fbba29c871', '49743660a4bc66170082d12dae5c99cce4ca4bfdc727bfa47d316738d9905b49', 4632, '46455cfbc3bdd0e8b7ee6a0c673e113a99e613f53bcaa87ac0fb0e5bbe7b3df1', true, NULL);
INSERT INTO public.records VALUES (2, 'part', '0.png', 'api', '', 1795921553.1274016, 81.41, 'good', 0.16391633450984955, 0.8, 0.20940794050693512, 0.18922428786754608, 0.16768303513526917, '[]', '', 48, 48, 0, '82b4288d53997f0f699c38f8f63290063e2cd7324d680e0141bcb1fbba29c871', 'd676885609c81a0f173b25608b4d1d721fef6d2a21d44f13551a99ddc947b044', 4618, '9bd5d40e850bff6cfdf313e47f6a212cff3f5fdb9b5d4d3466bc4d4a56501a0b', true, 'good');
INSERT INTO public.records VALUES (3, 'part', '1.png', 'api', '', 1795921553.3407354, 74.172, 'defect', 2.515193462371826, 0.05, 0.20940794050693512, 0.18922428786754608, 0.16768303513526917, '[{"box_px": [8, 17, 40, 31], "area_px": 1085, "peak": 1.512648582458496, "peak_px": [25, 33], "nearest_good": {"picture": "good13.png", "row_px": 26.0, "column_px": 30.0}, "zone": null, "zone_limit": 1.0, "distance": 2.789146900177002, "p_value": 0.05, "contour_px": [[[8.34, 31.5], [8.5, 30.8], [8.55, 30.5], [8.75, 29.5], [9.0, 28.5], [9.29, 27.5], [9.5, 26.85], [9.59, 26.5], [9.88, 25.5], [10.24, 24.5], [10.5, 23.88], [10.65, 23.5], [11.14, 22.5], [11.5, 21.93], [11.78, 21.5], [12.5, 20.64], [12.63, 20.5], [13.5, 19.7], [13.75, 19.5], [14.5, 18.96], [15.3, 18.5], [15.5, 18.39], [16.5, 17.88], [17.5, 17.52], [17.55, 17.5], [18.5, 17.16], [19.5, 16.89], [20.5, 16.71], [21.5, 16.6], [22.5, 16.54], [23.5, 16.53], [24.5, 16.57], [25.5, 16.64], [26.5, 16.75], [27.5, 16.89], [28.5, 17.06], [29.5, 17.27], [30.41, 17.5], [30.5, 17.52], [31.5, 17.72], [32.5, 17.97], [33.5, 18.31], [33.97, 18.5], [34.5, 18.68], [35.5, 19.11], [36.19, 19.5], [36.5, 19.66], [37.5, 20.27], [37.82, 20.5], [38.5, 20.95], [39.22, 21.5], [39.5, 21.71], [40.5, 22.5], [40.5, 22.5], [41.5, 23.27], [41.81, 23.5], [42.5, 24.02], [43.18, 24.5], [43.5, 24.73], [44.5, 25.35], [44.81, 25.5], [45.5, 25.85], [46.5, 26.2], [47.5, 26.38], [48.0, 26.5], [48.0, 27.5], [48.0, 28.5], [48.0, 29.5], [48.0, 30.5], [48.0, 31.5], [48.0, 32.5], [48.0, 33.5], [48.0, 34.5], [48.0, 35.5], [48.0, 36.5], [48.0, 37.5], [48.0, 38.5], [48.0, 39.5], [48.0, 40.5], [48.0, 41.5], [48.0, 42.5], [48.0, 43.5], [48.0, 44.5], [48.0, 45.5], [48.0, 46.5], [48.0, 47.5], [47.5, 48.0], [46.5, 48.0], [45.5, 48.0], [44.5, 48.0], [43.5, 48.0], [42.5, 48.0], [41.5, 48.0], [40.5, 48.0], [39.5, 48.0], [38.5, 48.0], [37.5, 48.0], [36.5, 48.0], [35.5, 48.0], [34.5, 48.0], [33.5, 48.0], [32.5, 48.0], [31.5, 48.0], [30.5, 48.0], [29.5, 48.0], [28.5, 48.0], [27.5, 48.0], [26.5, 48.0], [25.5, 48.0], [24.5, 48.0], [23.5, 48.0], [22.5, 48.0], [21.5, 48.0], [20.5, 48.0], [19.5, 48.0], [18.5, 48.0], [17.5, 48.0], [16.5, 48.0], [15.5, 48.0], [14.5, 48.0], [13.5, 48.0], [12.5, 48.0], [11.78, 47.5], [11.62, 46.5], [11.5, 46.08], [11.3, 45.5], [10.88, 44.5], [10.5, 43.59], [10.46, 43.5], [9.97, 42.5], [9.57, 41.5], [9.5, 41.3], [9.17, 40.5], [8.83, 39.5], [8.58, 38.5], [8.5, 38.09], [8.35, 37.5], [8.17, 36.5], [8.06, 35.5], [8.03, 34.5], [8.06, 33.5], [8.17, 32.5]]]}]', '', 48, 48, 0, '82b4288d53997f0f699c38f8f63290063e2cd7324d680e0141bcb1fbba29c871', 'c603ec13d281b198cc988a389a11595b616a75e63553dbaa2ee1ad575f60d6cf', 4493, '85fbe2abe73aa7f755390ca075ecdfa055ad667297d362335eecc6b901eb4ad0', true, 'defect');
INSERT INTO public.records VALUES (4, 'part', '2.png', 'api', '', 1795921553.6260946, 66.32, 'good', 0.17761531472206116, 0.25, 0.20940794050693512, 0.18922428786754608, 0.16768303513526917, '[{"box_px": [45, 25, 3, 7], "area_px": 18, "peak": 0.17109143733978271, "peak_px": [47, 28], "nearest_good": {"picture": "good36.png", "row_px": 46.0, "column_px": 30.0}, "zone": null, "zone_limit": 1.0, "distance": 0.19727201759815216, "p_value": 0.05, "contour_px": [[[44.8, 26.5], [45.5, 25.54], [45.55, 25.5], [46.5, 25.0], [47.5, 24.76], [48.0, 25.5], [48.0, 26.5], [48.0, 27.5], [48.0, 28.5], [48.0, 29.5], [48.0, 30.5], [48.0, 31.5], [47.5, 31.6], [47.07, 31.5], [46.5, 31.31], [45.5, 30.58], [45.43, 30.5], [44.88, 29.5], [44.59, 28.5], [44.55, 27.5]]]}]', '', 48, 48, 0, '82b4288d53997f0f699c38f8f63290063e2cd7324d680e0141bcb1fbba29c871', '212c9583af60ee8185714959e91b8ac49181370d1f7c7a34754f2bf72c77f24f', 4631, 'a9c4e50fb598ae8390c29a864c37d32680d70ada12a0e92e630dba101dce3e60', true, NULL);
INSERT INTO public.seen VALUES ('/parts/seen.png', '4632:1795921546148702043', 1, NULL);
INSERT INTO public.seen VALUES ('/parts/broken.png', '10:1795921546148844390', NULL, 'cannot read broken.png: it is not a PNG, JPEG, BMP, TIFF or WebP picture');
SELECT pg_catalog.setval('public.changes_id_seq', 1, true);
SELECT pg_catalog.setval('public.feedback_id_seq', 3, true);
SELECT pg_catalog.setval('public.records_id_seq', 4, true);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.feedback
    ADD CONSTRAINT feedback_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.records
    ADD CONSTRAINT records_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.seen
    ADD CONSTRAINT seen_pkey PRIMARY KEY (path, stamp);
CREATE INDEX ix_changes_product ON public.changes USING btree (product);
CREATE INDEX ix_feedback_record ON public.feedback USING btree (record);
CREATE INDEX records_by_answer ON public.records USING btree (product, answer, verdict);
CREATE INDEX records_by_heat ON public.records USING btree (heat_sha256);
CREATE INDEX records_by_picture ON public.records USING btree (picture_sha256);
CREATE INDEX records_by_product ON public.records USING btree (product, id);
CREATE INDEX records_by_time ON public.records USING btree ("time");
ALTER TABLE ONLY public.feedback
    ADD CONSTRAINT feedback_record_fkey FOREIGN KEY (record) REFERENCES public.records(id);
