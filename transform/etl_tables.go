package transform

// Scopes of a reject: what is missing because of it.
const (
	ScopePage  = "page"  // the page holds no records that could be found
	ScopeRow   = "row"   // one record, or one row nested in a record
	ScopeField = "field" // one value of a row that is there
	ScopeRest  = "rest"  // all that a page lacks beyond the first thousand, rows and values
)

// Rejects is the table of what could not become a row or a field. The decoders
// fill it.
func Rejects() Table {
	return Table{
		Schema: "etl", Name: "rejects", Key: []string{pageColumn, "position", "field"},
		Comment: "Records and fields that the vendors sent and that could not become a row or a value, with the reason",
		Columns: landed(
			text(1, "source", "", "Vendor"),
			text(2, "stream", "", "Stream of the vendor"),
			text(3, "table_name", "", "Table that lacks the row or the value, as schema.name"),
			text(4, "key", "", "Key of the row; null where it has none"),
			text(5, "scope", "", "page, row or field: what is missing; rest for the rejects of a page beyond its first thousand"),
			text(6, "field", "", "Place of the value or nested row in the record, in the vendor's names; empty where it is the whole record"),
			text(7, "reason", "", "Why the record or value is rejected"),
			whole(8, "position", "", "Place of the record in its page, from 0; -1 for the page itself, and of the first one that a rest stands for"),
			text(9, "raw", "", "The record or value as the vendor sent it, its first 2 KiB").of(FreeText),
			whole(10, "records", "", "How many rejects the row stands for: 1, the records of a rejected page, or the number of a rest").in("rejects"),
		),
	}
}

// Runs is the table of runs, one row a run and pipeline. The pipeline fills it.
func Runs() Table {
	return Table{
		Schema: "etl", Name: "runs", Key: []string{"run_id", "pipeline"},
		Comment: "What each run did, one row a pipeline",
		Columns: []Column{
			text(1, "run_id", "", "Identifier of the run; sorts by time"),
			text(2, "pipeline", "", "Name of the pipeline in the configuration"),
			text(3, "source", "", "Vendor"),
			text(4, "stream", "", "Stream of the vendor"),
			text(5, "mode", "", "nightly, backfill, full, replay or accept"),
			instant(6, "started_at", "", "When the run began"),
			instant(7, "finished_at", "", "When the pipeline's rows were ready to publish"),
			text(8, "status", "", "complete, drifted, incomplete, held, failed or interrupted"),
			text(9, "reason", "", "Why the status is not complete"),
			whole(10, "windows", "", "Windows walked").in("windows"),
			whole(11, "requests", "", "Requests sent for data, retries included").in("requests"),
			whole(12, "retries", "", "Requests that repeated an earlier one").in("requests"),
			whole(13, "sign_ins", "", "Requests for a token, renewals included").in("requests"),
			whole(14, "fetched", "", "Records that the vendor returned").in("records"),
			whole(15, "rows_new", "", "Keys that were not in the warehouse").in("rows"),
			whole(16, "rows_changed", "", "Keys whose content changed").in("rows"),
			whole(17, "rows_unchanged", "", "Keys whose content was already there").in("rows"),
			whole(18, "rejects", "", "Lines in etl.rejects: pages, records, rows nested in a record, and values").in("rejects"),
			whole(19, "vendor_total", "", "Records that the vendor says there are; null where it does not say").in("records"),
			text(20, "version", "", "Version of the program"),
		},
	}
}

// Reconciliation is the table of the proof of completeness, one row a window. The
// pipeline fills it.
func Reconciliation() Table {
	return Table{
		Schema: "etl", Name: "reconciliation", Key: []string{"run_id", "pipeline", "window_id"},
		Comment: "What the vendor said there is against what was loaded, one row a window",
		Columns: []Column{
			text(1, "run_id", "", "Identifier of the run"),
			text(2, "pipeline", "", "Name of the pipeline in the configuration"),
			text(3, "window_id", "", "Name of the window; the same from run to run"),
			instant(4, "window_from", "", "First instant of the window; null where it is no interval"),
			instant(5, "window_to", "", "First instant after the window; null where it is no interval"),
			whole(6, "vendor_total", "", "Records that the vendor says there are; null where it does not say").in("records"),
			whole(7, "fetched", "", "Records that the vendor returned").in("records"),
			whole(8, "distinct_keys", "", "Different keys among them").in("rows"),
			whole(9, "superseded", "", "Records that gave way to another version of their key, and purchases and notes that the vendor shows no more").in("records"),
			whole(10, "loaded", "", "Rows that are in the tables").in("rows"),
			whole(11, "rejected", "", "Records rejected as a whole, all those of a rejected page among them; a rejected row nested in a record is none").in("records"),
			whole(12, "pages", "", "Pages landed").in("pages"),
			whole(13, "requests", "", "Requests sent for data, retries included").in("requests"),
			whole(14, "retries", "", "Requests that repeated an earlier one").in("requests"),
			text(15, "status", "", "complete, incomplete, unverifiable, or interrupted: taken over as far as it had landed"),
			text(16, "reason", "", "Why the status is not complete"),
		},
	}
}

// Bookmarks is the table of how far each stream has been read. The pipeline fills
// it.
func Bookmarks() Table {
	return Table{
		Schema: "etl", Name: "bookmarks", Key: []string{"source", "stream"},
		Comment: "How far each stream has been read",
		Columns: []Column{
			text(1, "pipeline", "", "Name of the pipeline that read the stream last"),
			text(2, "source", "", "Vendor"),
			text(3, "stream", "", "Stream of the vendor"),
			text(4, "bookmark", "", "What the vendor has been asked for, as JSON: the next run goes on from there"),
			text(5, "run_id", "", "Run that moved the bookmark here"),
			instant(6, "updated_at", "", "When the bookmark was written"),
		},
	}
}

// SurveyChannels is the table of where the surveys are asked. It holds what the
// configuration says, and nothing else.
func SurveyChannels() Table {
	return Table{
		Schema: "etl", Name: "survey_channels", Key: []string{"survey", "position"},
		Comment: "Where each survey is asked, by the configuration: the marts count those conversations as eligible",
		Columns: []Column{
			text(1, "survey", "", "csat or nps"),
			whole(2, "position", "", "Place among the rows of the survey, from 0"),
			whole(3, "project_id", "", "iAdvize project; null for every one"),
			text(4, "channel", "", "Channel on which the survey is asked"),
			day(5, "valid_from", "First business day, by the close, on which it is asked there; null for every day"),
		},
	}
}

// FinalDays is the table of the last business day of each kind of record that is
// final. It follows from the configuration and from what was asked for, and nothing
// else.
func FinalDays() Table {
	return Table{
		Schema: "etl", Name: "final_through", Key: []string{"records"},
		Comment: "The last business day of each kind of record that is final: its settle time has passed, and all was asked for since",
		Columns: []Column{
			text(1, "records", "", "conversations, revenue, waves, messages or calls"),
			day(2, "last_day", "Last business day that is final; null while none is"),
		},
	}
}
