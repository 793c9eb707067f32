package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/schedule"
)

// keeper is `etl schedule` under way: the runner as the configuration has it now, and who
// is told when that changes.
type keeper struct {
	app     *app
	changed chan struct{}

	mu     sync.Mutex // guards runner, which a reload replaces
	runner *pipeline.Runner
}

func (k *keeper) now() *pipeline.Runner {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.runner
}

// source is what the loop goes by. Nothing is remembered: what is owed outlives the
// process.
func (k *keeper) source() schedule.Source {
	return schedule.Source{
		Members: func() ([]schedule.Member, schedule.Policy) {
			site := k.now().Site
			return operate.Members(site), operate.Policy(site)
		},
		Tries:   func() ([]schedule.Try, error) { return operate.Tries(k.now().Site) },
		Changed: k.changed,
		Beat:    func() { notify(daemon.SdNotifyWatchdog) },
	}
}

// run is one night: one run, which publishes once.
func (k *keeper) run(ctx context.Context, night schedule.Night) error {
	var request pipeline.Request
	for _, t := range night.Members {
		request.Turns = append(request.Turns, pipeline.Turn{Pipeline: t.Name, Due: t.Due, At: t.At})
	}
	if err := k.app.printSummary(k.now().Run(ctx, request)); err != nil && !errors.As(err, new(outcome)) {
		return err
	}
	return nil
}

// listen reads the configuration again at every SIGHUP, until ctx ends.
func (k *keeper) listen(ctx context.Context, hangups <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			k.reload()
		}
	}
}

// hangups are the SIGHUPs of this process from now on, which no longer end it.
func hangups() (signals <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// reload reads the configuration again. Where it is wrong, or asks for what takes a
// restart, the old one stays. A run under way ends as it began.
func (k *keeper) reload() {
	notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	defer notify(daemon.SdNotifyReady)
	old := k.now()
	cfg, err := k.app.config(config.Load)
	switch {
	case err != nil:
		old.Log.Error("the configuration is wrong, and the old one stays", "error", err)
		return
	case cfg.Warehouse != old.Config.Warehouse:
		old.Log.Error("the configuration names another warehouse, which takes a restart, and the old one stays", "warehouse", cfg.Warehouse)
		return
	case len(cfg.Enabled()) == 0:
		old.Log.Error("the configuration enables no pipeline, and the old one stays")
		return
	}
	site := *old.Site
	site.Config = cfg
	next := *old
	next.Site = &site
	limitMemory(&next)
	k.mu.Lock()
	k.runner = &next
	k.mu.Unlock()
	logWarnings(&next)
	logMembers(&next)
	select {
	case k.changed <- struct{}{}:
	default: // the loop has not heard of the last one yet, and will read this one
	}
}

// notify tells the service manager; where there is none, nobody.
func notify(state string) {
	_, _ = daemon.SdNotify(false, state) // there is nobody else to tell of an error
}
