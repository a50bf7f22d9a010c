package main

import (
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// The commands of the release as they are. cli.Run does what their own main functions do: it logs
// the error, and the process ends with the status they want.
func runAPIServer() error         { return component(apiserver.NewAPIServerCommand()) }
func runControllerManager() error { return component(manager.NewControllerManagerCommand()) }
func runScheduler() error         { return component(scheduler.NewSchedulerCommand()) }

func component(command *cobra.Command) error {
	os.Exit(cli.Run(command))
	return nil
}

// kubectl's errors have a form and a status of their own.
func runKubectl() error {
	kubectlutil.CheckErr(cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()))
	return nil
}
