// Command kube is a throw-away Kubernetes control plane for tests in one program: etcd, the API
// server, the controller manager, the scheduler and kubectl of one release, the LeaderWorkerSet
// controller with its webhooks, and kwok, which plays the nodes. Everything listens on loopback only.
//
// `kube up` starts the others as processes of its own program and ends them when it ends. Called by
// another name, such as through a link named kubectl, it is that part alone.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Each part reads os.Args as if it were a program of its own.
var parts = map[string]func() error{
	"up":                      runUp,
	"dry-run":                 runDryRun,
	"etcd":                    runEtcd,
	"kube-apiserver":          runAPIServer,
	"kube-controller-manager": runControllerManager,
	"kube-scheduler":          runScheduler,
	"kubectl":                 runKubectl,
	"kwok":                    runKwok,
	"leaderworkerset":         runLeaderWorkerSet,
	"metrics":                 runMetrics,
}

func main() {
	run, found := parts[filepath.Base(os.Args[0])]
	if !found && len(os.Args) > 1 {
		if run, found = parts[os.Args[1]]; found {
			os.Args = os.Args[1:]
		}
	}
	if !found {
		fmt.Fprintln(os.Stderr, "usage: kube PART [flags]; the parts are:")
		for _, name := range slices.Sorted(maps.Keys(parts)) {
			fmt.Fprintln(os.Stderr, "  "+name)
		}
		os.Exit(2)
	}
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
		os.Exit(1)
	}
}
