package main

import (
	"errors"
	"flag"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"go.etcd.io/etcd/server/v3/embed"
)

// runEtcd is one member that forgets everything when its folder goes: nothing is synced to disk.
func runEtcd() error {
	flags := flag.NewFlagSet("etcd", flag.ExitOnError)
	folder := flags.String("folder", "", "where the data lies")
	client := flags.String("client", "", "HOST:PORT for the API server")
	peer := flags.String("peer", "", "HOST:PORT for other members; there are none, but it has to listen")
	_ = flags.Parse(os.Args[1:])

	config := embed.NewConfig()
	config.Dir = *folder
	config.LogLevel = "warn"
	config.UnsafeNoFsync = true
	clients := []url.URL{{Scheme: "http", Host: *client}}
	peers := []url.URL{{Scheme: "http", Host: *peer}}
	config.ListenClientUrls, config.AdvertiseClientUrls = clients, clients
	config.ListenPeerUrls, config.AdvertisePeerUrls = peers, peers
	config.InitialCluster = config.InitialClusterFromName(config.Name)

	member, err := embed.StartEtcd(config)
	if err != nil {
		return err
	}
	defer member.Close()
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGINT, syscall.SIGTERM)
	select {
	case <-asked:
		return nil
	case <-member.Server.StopNotify():
		return errors.New("the member stopped by itself")
	case err := <-member.Err():
		return err
	}
}
