package config

// Parse is Load without the disk.
func Parse(path string, data []byte, env func(string) (string, bool)) (*Config, error) {
	return parse(path, data, env, false)
}

// KnownKeys lists the keys of each mapping of the file, by its path, from the
// tables that the loader reads with.
func KnownKeys() map[string][]string {
	return map[string][]string{
		"":           names(topKeys()),
		"sources":    names(sourceKeys()),
		"iadvize":    names(iadvizeKeys()),
		"aircall":    names(aircallKeys()),
		"volt":       names(voltKeys()),
		"desk":       names(deskKeys()),
		"clientloop": names(clientloopKeys()),
		"pipeline":   names(pipelineKeys()),
		"publish":    names(publishKeys()),
		"rerun":      names(rerunKeys()),
		"readers":    names(readersKeys()),
		"marts":      names(martsKeys()),
	}
}

// KnownStreams lists the streams of each source.
func KnownStreams() map[string][]string {
	known := map[string][]string{}
	for _, source := range sourceNames() {
		known[source] = streamsOf(source)
	}
	return known
}
