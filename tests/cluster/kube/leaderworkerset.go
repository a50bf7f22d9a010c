package main

import (
	"flag"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	leaderworkersetv1 "sigs.k8s.io/lws/api/leaderworkerset/v1"
	"sigs.k8s.io/lws/pkg/controllers"
	"sigs.k8s.io/lws/pkg/webhooks"
)

// runLeaderWorkerSet runs the two controllers of LeaderWorkerSet and its webhooks. The webhooks are
// not optional: the one for pods sets the labels that tell a leader from its workers.
func runLeaderWorkerSet() error {
	flags := flag.NewFlagSet("leaderworkerset", flag.ExitOnError)
	kubeconfig := flags.String("config-file", "", "how to reach the API server")
	port := flags.Int("webhook-port", 0, "loopback port for the webhooks")
	keys := flags.String("keys", "", "folder with server.crt and server.key")
	_ = flags.Parse(os.Args[1:])

	ctrl.SetLogger(klog.Background())
	scheme := runtime.NewScheme()
	utilruntime.Must(clientscheme.AddToScheme(scheme))
	utilruntime.Must(leaderworkersetv1.AddToScheme(scheme))
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 500, 500
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                 scheme,
		Metrics:                metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
		WebhookServer: webhook.NewServer(webhook.Options{
			Host: loopback, Port: *port, CertDir: *keys, CertName: "server.crt", KeyName: "server.key",
		}),
	})
	if err != nil {
		return err
	}
	client, events := manager.GetClient(), manager.GetEventRecorder("leaderworkerset")
	if err := controllers.SetupIndexes(manager.GetFieldIndexer()); err != nil {
		return err
	}
	if err := controllers.NewLeaderWorkerSetReconciler(client, scheme, events).SetupWithManager(manager); err != nil {
		return err
	}
	if err := controllers.NewPodReconciler(client, scheme, events, nil).SetupWithManager(manager); err != nil {
		return err
	}
	if err := webhooks.SetupLeaderWorkerSetWebhook(manager); err != nil {
		return err
	}
	if err := webhooks.NewPodWebhook(nil).Setup(manager); err != nil {
		return err
	}
	return manager.Start(ctrl.SetupSignalHandler())
}
