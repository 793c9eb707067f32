package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"nightjar/cmd/etl/internal/config"
	"nightjar/cmd/etl/internal/operate"
	"nightjar/cmd/etl/internal/pipeline"
	"nightjar/cmd/etl/internal/schedule"
)

// keeper is `etl schedule` under way: the runner as the configuration has it now, and
// what a service manager is told.
type keeper struct {
	app    *app
	reload chan struct{} // has a value when the configuration has changed

	mu     sync.Mutex // guards runner, which a reload replaces between two nights
	runner *pipeline.Runner
}

func (k *keeper) now() *pipeline.Runner {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.runner
}

// Members and the others are the schedule's source: nothing is remembered, so that what is
// owed outlives the process.
func (k *keeper) Members() ([]schedule.Member, schedule.Policy) {
	site := k.now().Site
	return operate.Members(site), operate.Policy(site)
}

func (k *keeper) Tries() ([]schedule.Try, error) { return operate.Tries(k.now().Site) }

// run is one night: one run, which publishes once.
func (k *keeper) run(ctx context.Context, night schedule.Night) error {
	request := pipeline.Request{}
	for _, t := range night.Members {
		request.Turns = append(request.Turns, pipeline.Turn{Pipeline: t.Name, Due: t.Due, At: t.At})
	}
	stop := k.feed()
	defer stop()
	ended, err := k.now().Run(ctx, request)
	if err != nil {
		return err
	}
	if err := k.app.printSummary(ended); err != nil && !errors.As(err, new(outcome)) {
		return err
	}
	return nil
}

// listen reloads the configuration at every SIGHUP, until ctx ends. Where the new one is
// wrong, or asks for another warehouse, the old one stays.
func (k *keeper) listen(ctx context.Context) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
		}
		k.reloadConfig()
	}
}

func (k *keeper) reloadConfig() {
	notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	defer notify(daemon.SdNotifyReady)
	old := k.now()
	cfg, err := k.app.load(config.Load)
	switch {
	case err != nil:
		old.Log.Error("the configuration is wrong; the old one stays", "error", err)
		return
	case cfg.Warehouse != old.Config.Warehouse:
		old.Log.Error("the configuration names another warehouse, which takes a restart; the old one stays", "warehouse", cfg.Warehouse)
		return
	case len(cfg.Enabled()) == 0:
		old.Log.Error("the configuration enables no pipeline; the old one stays")
		return
	}
	next := k.app.newRunner(cfg)
	next.Log, next.Wait, next.Progress = old.Log, old.Wait, old.Progress
	site := *next.Site
	site.Wait = old.Site.Wait
	next.Site = &site
	k.mu.Lock()
	k.runner = next
	k.mu.Unlock()
	logWarnings(next)
	old.Log.Info("the configuration is read again", "file", cfg.Path)
	select {
	case k.reload <- struct{}{}:
	default: // the loop has not heard of the last one yet, and reads this one then
	}
}

// feed tells the service manager's watchdog, at half its interval, that the program lives,
// until the function returned is called.
func (k *keeper) feed() (stop func()) {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(every / 2)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				beat()
			}
		}
	}()
	return func() { close(done) }
}

func beat() { notify(daemon.SdNotifyWatchdog) }

// notify tells the service manager; where there is none, nobody.
func notify(state string) {
	_, _ = daemon.SdNotify(false, state) // nobody listens, or nobody can be told
}
