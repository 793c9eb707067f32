package config

import (
	"time"

	"nightjar/cmd/etl/internal/budget"
)

// preset is what holds where the file says nothing.
type preset struct {
	config   Config                   // warehouse, memory, publish, marts
	sources  wires                    // per source
	aircall  Aircall                  // Wire aside
	pipeline Pipeline                 // of a setting, the streams that use it
	settle   map[string]time.Duration // by stream
}

type wires struct{ iadvize, aircall, volt, desk, clientloop Wire }

// defaults are all of them. Rates stay below what the vendors document or, where
// they document nothing, below what a browser would ask.
func defaults() preset {
	wire := Wire{Rate: 5, Concurrency: 4, Timeout: time.Minute, Retries: 5, MaxBody: 16 << 20}
	desk, clientloop := wire, wire
	desk.Rate = 2 // the vendor's 120 a minute
	clientloop.Rate, clientloop.Concurrency = 1, 1
	return preset{
		config: Config{
			Warehouse: "./warehouse",
			Memory:    budget.Default,
			Publish:   Publish{Keep: 3, MaxDrop: 0.5, MaxRejects: 0.001},
			Marts: Marts{
				CSATChannels: []string{"CHAT", "FACEBOOK_BUSINESS_ON_MESSENGER", "APPLE_BUSINESS_CHAT", "WHATSAPP"},
				NPSChannels:  []string{"CHAT"},
			},
		},
		sources: wires{iadvize: wire, aircall: wire, volt: wire, desk: desk, clientloop: clientloop},
		aircall: Aircall{DurationUnit: time.Millisecond},
		pipeline: Pipeline{
			Enabled:   true,
			Lookback:  72 * time.Hour,
			Window:    24 * time.Hour,
			Gap:       500,
			FirstID:   1,
			FullEvery: 1,
			Partition: ByMonth,
			Schema:    Evolve,
		},
		settle: map[string]time.Duration{"calls": 3 * 24 * time.Hour, "waves": 7 * 24 * time.Hour, "messages": 7 * 24 * time.Hour},
	}
}
