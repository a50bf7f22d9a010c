package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	_ "embed"
)

//go:embed stages.yaml
var stages []byte

// cluster is one running control plane: its folder and its processes.
type cluster struct {
	folder  string // absolute; everything it writes lies in it
	crds    string // folder of the definitions to install
	syncing time.Duration
	died    chan error
}

// runUp starts everything, writes FOLDER/ready.json when a test may begin, and stays until it is
// asked to end or a part dies. The parts die with it, however it ends: the state is not worth more.
func runUp() error {
	// A part is killed when the thread that started it ends, so that must be one that stays.
	runtime.LockOSThread()
	flags := flag.NewFlagSet("up", flag.ExitOnError)
	folder := flags.String("folder", "", "an empty folder for keys, data and logs")
	crds := flags.String("crds", "", "folder with CustomResourceDefinitions to install")
	syncing := flags.Duration("hpa-sync", 15*time.Second, "how often the HorizontalPodAutoscalers are looked at")
	attached := flags.Bool("until-input-ends", false, "end when standard input does, as when its writer dies")
	_ = flags.Parse(os.Args[1:])
	absolute, err := filepath.Abs(*folder)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if *attached {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}

	c := &cluster{folder: absolute, crds: *crds, syncing: *syncing, died: make(chan error, 16)}
	started := time.Now()
	if err := c.start(ctx); err != nil {
		return err
	}
	ready, err := json.Marshal(map[string]any{
		"kubeconfig": c.path("keys", "kubeconfig"), "metrics": c.path(metricsFile),
		"seconds": time.Since(started).Seconds(),
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.path("ready.tmp"), ready, 0o600); err != nil {
		return err
	}
	if err := os.Rename(c.path("ready.tmp"), c.path("ready.json")); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-c.died:
		return err
	}
}

func (c *cluster) path(names ...string) string {
	return filepath.Join(append([]string{c.folder}, names...)...)
}

// part starts one of the other parts as a process; what it says goes to FOLDER/NAME.log.
func (c *cluster) part(name string, arguments ...string) error {
	log, err := os.Create(c.path(name + ".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	program, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.Command(program, append([]string{name}, arguments...)...)
	command.Stdout, command.Stderr = log, log
	command.Dir = c.folder
	command.Env = append(os.Environ(), "HOME="+c.folder, "NO_PROXY=*") // no settings of the user's
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return err
	}
	go func() {
		err := command.Wait()
		c.died <- fmt.Errorf("%s ended (%v): %s", name, err, lastWords(log.Name()))
	}()
	return nil
}

func lastWords(log string) string {
	text, err := os.ReadFile(log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-1000):])
}

// start brings the parts up in the order in which they need each other.
func (c *cluster) start(ctx context.Context) error {
	ports, err := freePorts(8)
	if err != nil {
		return err
	}
	etcd, peer, api := address(ports[0]), address(ports[1]), address(ports[2])
	webhooks, metrics := ports[3], ports[4]
	keys := c.path("keys")
	if err := writeKeys(keys, api); err != nil {
		return err
	}
	if err := os.WriteFile(c.path("stages.yaml"), stages, 0o600); err != nil {
		return err
	}
	key := func(name string) string { return filepath.Join(keys, name) }
	kubeconfig := "--kubeconfig=" + key("kubeconfig")

	if err := c.part("etcd", "--folder="+c.path("etcd"), "--client="+etcd, "--peer="+peer); err != nil {
		return err
	}
	// The API server looks for etcd once a second, so being early would cost one.
	if err := c.wait(ctx, "etcd", func() error { return connects(etcd) }); err != nil {
		return err
	}
	if err := c.part("kube-apiserver",
		"--etcd-servers=http://"+etcd, "--bind-address="+loopback, "--advertise-address="+loopback,
		"--secure-port="+strconv.Itoa(ports[2]), "--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged=true", "--authorization-mode=RBAC",
		"--token-auth-file="+key("tokens.csv"), "--tls-cert-file="+key("server.crt"),
		"--tls-private-key-file="+key("server.key"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+key("accounts.key"),
		"--service-account-signing-key-file="+key("accounts.key")); err != nil {
		return err
	}
	// Needs the API server only when it is asked something.
	if err := c.part("metrics", "--listen="+address(metrics), "--keys="+keys, "--config-file="+key("kubeconfig"),
		"--values="+c.path(metricsFile)); err != nil {
		return err
	}
	install, err := newInstaller(key("kubeconfig"))
	if err != nil {
		return err
	}
	if err := c.wait(ctx, "kube-apiserver", func() error { return install.serverReady(ctx) }); err != nil {
		return err
	}
	if err := c.part("kube-controller-manager", kubeconfig, "--authentication-kubeconfig="+key("kubeconfig"),
		"--authorization-kubeconfig="+key("kubeconfig"), "--bind-address="+loopback,
		"--secure-port="+strconv.Itoa(ports[5]), "--leader-elect=false",
		"--service-account-private-key-file="+key("accounts.key"), "--root-ca-file="+key("ca.crt"),
		"--horizontal-pod-autoscaler-sync-period="+c.syncing.String()); err != nil {
		return err
	}
	if err := c.part("kube-scheduler", kubeconfig, "--authentication-kubeconfig="+key("kubeconfig"),
		"--authorization-kubeconfig="+key("kubeconfig"), "--bind-address="+loopback,
		"--secure-port="+strconv.Itoa(ports[6]), "--leader-elect=false"); err != nil {
		return err
	}
	// With a port alone it would listen on every address. A node that a test plays itself is left alone.
	if err := c.part("kwok", kubeconfig, "--config="+c.path("stages.yaml"),
		"--manage-nodes-with-label-selector=kneepoint.test/node!=played",
		"--server-address="+address(ports[7]), "--node-ip=10.0.0.1", "--cidr=10.200.0.0/16"); err != nil {
		return err
	}
	if err := install.definitions(ctx, c.crds); err != nil {
		return err
	}
	if err := install.nodes(ctx); err != nil {
		return err
	}
	if err := install.metricsAPI(ctx, metrics, key("ca.crt")); err != nil {
		return err
	}
	if err := c.wait(ctx, "the custom resources", func() error { return install.definitionsReady(ctx) }); err != nil {
		return err
	}
	if err := c.part("leaderworkerset", "--config-file="+key("kubeconfig"), "--keys="+keys,
		"--webhook-port="+strconv.Itoa(webhooks)); err != nil {
		return err
	}
	if err := c.wait(ctx, "the webhooks", func() error { return connects(address(webhooks)) }); err != nil {
		return err
	}
	if err := install.webhooks(ctx, webhooks, key("ca.crt")); err != nil {
		return err
	}
	return c.wait(ctx, "the controllers", func() error { return install.allReady(ctx) })
}

// wait tries until it works, a part has died, or a minute has passed.
func (c *cluster) wait(ctx context.Context, what string, try func() error) error {
	until := time.After(time.Minute)
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("asked to end")
		case died := <-c.died:
			return died
		case <-until:
			return fmt.Errorf("%s: not ready after a minute: %w", what, err)
		case <-time.After(30 * time.Millisecond):
		}
	}
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

func connects(to string) error {
	connection, err := net.DialTimeout("tcp", to, time.Second)
	if err != nil {
		return err
	}
	return connection.Close()
}
