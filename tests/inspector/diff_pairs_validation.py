"""Pairs that were not used for tuning: films, reviews and a league of directors."""

from tests.inspector.diff_pairs import Pair

FILMS = "film_id;title;director;year\n" + "".join(
    f"{n};Film {n};{('Sol', 'Tanaka', 'Brandt')[n % 3]};{1990 + n}\n" for n in range(1, 25)
)
REVIEWS = "film_id,stars,source\n" + "".join(
    f"{1 + n % 24},{1 + (n * 7) % 5}.5,{('web', 'paper')[n % 2]}\n" for n in range(96)
)
FILES = {
    "films.csv": FILMS,
    "reviews.csv": REVIEWS,
    "archive.csv": "".join(REVIEWS.splitlines(keepends=True)[:30]),
    "notes.csv": "note\na\nb\n",
}
PIPELINE = """\
oml_version: "0.1.0"
name: league
params: {since: {type: integer, default: 1990}}
steps:
  - id: read-films
    component: filesystem.csv_extractor
    config: {path: films.csv, delimiter: ";"}
  - id: read-reviews
    component: filesystem.csv_extractor
    config: {path: reviews.csv}
  - id: new-films
    component: duckdb.processor
    needs: [read-films]
    config: {query: "SELECT film_id, title, director, year FROM df WHERE year >= ${params.since}"}
  - id: rated
    component: duckdb.processor
    needs: [new-films, read-reviews]
    config:
      query: |
        SELECT f.director, f.title, avg(r.stars) AS stars, count(*) AS reviews
        FROM df_new_films f JOIN df_read_reviews r USING (film_id)
        GROUP BY ALL ORDER BY f.title
  - id: cleaned
    component: shop.custom
    needs: [rated]
    config: {limit: 3}
  - id: league
    component: duckdb.processor
    needs: [cleaned]
    config: {query: "SELECT director, round(avg(stars), 2) AS stars, sum(reviews) AS reviews FROM df GROUP BY director ORDER BY stars DESC, director"}
  - id: save
    component: filesystem.csv_writer
    needs: [league]
    config: {path: league.csv}
  - id: read-notes
    component: filesystem.csv_extractor
    config: {path: notes.csv}
  - id: save-notes
    component: filesystem.csv_writer
    needs: [read-notes]
    config: {path: notes_out.csv}
"""
NOTES = ("path: notes_out.csv", "path: notes_today.csv")
LAYOUT = ("  FROM df_new_films f JOIN", "  FROM df_new_films AS f\n        JOIN")
RETRY = ("  - id: save\n", "  - id: save\n    retry: {attempts: 2}\n")
HOSTS = (
    ("HOSTNAME_OLD", "LC_TIME", "JOB_1", "SHELL_ID"),
    ("JOB_2", "CI_RUNNER", "CI_JOB", "BUILD_NUMBER", "SHELL_ID"),
)
SPILL = {"E2B_SPILL_THRESHOLD": "1"}
LONGER = {"E2B_STEP_TIMEOUT": "900"}

PAIRS = (
    Pair("bad stars", "a rating is a word", ("read-reviews",), ("data of read-reviews",), files={"reviews.csv": REVIEWS.replace("5,4.5,web", "5,good,web")}, noise=(NOTES, LAYOUT), variables=HOSTS),
    Pair("empty films", "the file of films has no rows", ("read-films",), ("data of read-films",), files={"films.csv": FILMS.splitlines(keepends=True)[0]}, noise=(NOTES,), env=SPILL),
    Pair("fewer reviews", "reviews are missing", ("read-reviews",), ("data of read-reviews",), files={"reviews.csv": "".join(REVIEWS.splitlines(keepends=True)[:60])}, noise=(RETRY,), env=LONGER),
    Pair("film twice", "a film occurs twice", ("read-films",), ("data of read-films",), files={"films.csv": FILMS + "3;Film 3;Sol;1993\n"}, noise=(LAYOUT, NOTES)),
    Pair("title changed", "one title has other letters", ("read-films",), ("data of read-films",), files={"films.csv": FILMS.replace("Film 12;", "Film xii;")}, noise=(NOTES,), variables=HOSTS),
    Pair("no stars", "the ratings have no column stars", ("read-reviews",), ("data of read-reviews",), files={"reviews.csv": REVIEWS.replace("stars", "points")}, noise=(LAYOUT,), env=SPILL),
    Pair("no film file", "the file of films is not there, which nothing records", ("read-films",), (), files={"films.csv": None}, noise=(NOTES,), variables=HOSTS),
    Pair("wrong delimiter", "the delimiter does not fit the file", ("read-films",), ("configuration delimiter of read-films",), edits=(('delimiter: ";"', 'delimiter: ","'),), noise=(NOTES, RETRY)),
    Pair("typo in query", "a query names a director wrongly", ("league",), ("configuration query of league",), edits=(('"SELECT director, round', '"SELECT direktor, round'),), noise=(LAYOUT, NOTES), variables=HOSTS),
    Pair("left join", "films without reviews are kept", ("rated",), ("configuration query of rated",), edits=(("f JOIN df_read_reviews", "f LEFT JOIN (SELECT * FROM df_read_reviews WHERE film_id > 3)"),), noise=(NOTES,), env=SPILL),
    Pair("since", "a parameter leaves out old films", ("new-films",), ("parameter since", "configuration query of new-films"), params={"since": "2000"}, noise=(NOTES, RETRY), variables=HOSTS),
    Pair("archive", "the reviews are those of the archive", ("read-reviews",), ("configuration path of read-reviews",), edits=(("path: reviews.csv", "path: archive.csv"),), noise=(LAYOUT,), env=LONGER),
    Pair("rounding", "a query rounds to whole numbers", ("league",), ("configuration query of league",), edits=(("round(avg(stars), 2)", "round(avg(stars), 0)"),), noise=(NOTES,), variables=HOSTS),
    Pair("driver drops", "the code of a driver keeps fewer rows", ("cleaned",), ("code *",), code=("pass", "df = df[df['reviews'] > 4]"), noise=(LAYOUT, NOTES), variables=HOSTS),
    Pair("driver raises", "the code of a driver raises", ("cleaned",), ("code *",), code=("pass", "raise RuntimeError('the league is closed')"), noise=(RETRY,), env=SPILL),
    Pair("key not set", "a variable that the driver reads is not set", ("cleaned",), ("variable LEAGUE_KEY",), code=("os.environ['LEAGUE_KEY']",) * 2, variables=(("LEAGUE_KEY", *HOSTS[0]), HOSTS[1]), noise=(NOTES,)),
    Pair("limit", "an option of the driver has another value", ("cleaned",), ("configuration limit of cleaned",), edits=(("limit: 3", "limit: 9"),), code=("df = df.head(config['limit'])",) * 2, noise=(LAYOUT, NOTES)),
    Pair("folder in the way", "the target of the writer is a folder, which nothing records", ("save",), (), folders=("league.csv",), noise=(NOTES,), variables=HOSTS),
    Pair("without cleaning", "the step that cleans was removed", ("cleaned",), ("step cleaned*",), code=("df = df.head(10)",) * 2, edits=(("  - id: cleaned\n    component: shop.custom\n    needs: [rated]\n    config: {limit: 3}\n", ""), ("needs: [cleaned]", "needs: [rated]")), noise=(NOTES,)),
    Pair("reviews of all films", "a step takes the frame before the filter", ("rated",), ("inputs of rated", "configuration query of rated"), base_params={"since": "2000"}, edits=(("needs: [new-films, read-reviews]", "needs: [read-films, read-reviews]"), ("df_new_films", "df_read_films")), noise=(RETRY,), variables=HOSTS),
    Pair("same, other place", "nothing differs but the place", (), (), noise=(NOTES,), on="process"),
    Pair("same, spilled", "nothing differs but the storage and a retry", (), (), noise=(RETRY, LAYOUT), env=SPILL, variables=HOSTS),
    Pair("same, another order", "nothing differs but the order of two steps", (), (), edits=(("  - id: read-notes\n    component: filesystem.csv_extractor\n    config: {path: notes.csv}\n", ""), ("steps:\n", "steps:\n  - id: read-notes\n    component: filesystem.csv_extractor\n    config: {path: notes.csv}\n")), noise=(LAYOUT,)),
)  # fmt: skip
