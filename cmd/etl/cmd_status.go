package main

import "github.com/spf13/cobra"

func newStatus(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show last runs, bookmarks, freshness, next runs and what is held or uncertain",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.localRunner()
			if err != nil {
				return err
			}
			state, err := r.Status(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(state)
			}
			writeState(a.out, state, r.Config.Timezone)
			return nil
		},
	}
}
