package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	loopback = "127.0.0.1"
	// Names by which the API server calls the metrics API and the webhooks, which share one key.
	metricsName = "metrics.kube-system.svc"
)

// writeKeys fills a folder with all the secrets of one control plane, good for one run:
//
//	ca.crt                  who signed server.crt; no client needs a certificate
//	server.crt, server.key  of everything that serves TLS
//	accounts.key            signs the tokens of service accounts
//	tokens.csv              the one token, of a member of system:masters
//	kubeconfig              that token and the address of the API server
func writeKeys(folder, address string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	authority := &x509.Certificate{
		Subject: pkix.Name{CommonName: "kneepoint test authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	server := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "kneepoint test server"},
		DNSNames:    []string{"localhost", "kubernetes.default.svc", metricsName},
		IPAddresses: []net.IP{net.ParseIP(loopback)},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	accountsKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	authorityBytes, err := sign(authority, authority, &authorityKey.PublicKey, authorityKey)
	if err != nil {
		return err
	}
	serverBytes, err := sign(server, authority, &serverKey.PublicKey, authorityKey)
	if err != nil {
		return err
	}
	secret := make([]byte, 24)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	token := hex.EncodeToString(secret)

	files := map[string][]byte{
		"ca.crt":     pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authorityBytes}),
		"server.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: serverBytes}),
		"tokens.csv": fmt.Appendf(nil, "%s,tester,tester,system:masters\n", token),
	}
	for name, key := range map[string]*ecdsa.PrivateKey{"server.key": serverKey, "accounts.key": accountsKey} {
		bytes, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			return err
		}
		files[name] = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: bytes})
	}
	for name, bytes := range files {
		if err := os.WriteFile(filepath.Join(folder, name), bytes, 0o600); err != nil {
			return err
		}
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{
		Server: "https://" + address, CertificateAuthorityData: files["ca.crt"],
	}
	config.AuthInfos["tester"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "tester"}
	config.CurrentContext = "test"
	return clientcmd.WriteToFile(*config, filepath.Join(folder, "kubeconfig"))
}

func sign(what, by *x509.Certificate, key *ecdsa.PublicKey, with *ecdsa.PrivateKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		return nil, err
	}
	what.SerialNumber = serial
	what.NotBefore, what.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(0, 1, 0)
	return x509.CreateCertificate(rand.Reader, what, by, key, with)
}

// clientOf reads a kubeconfig for clients that are not to be slowed down.
func clientOf(kubeconfig string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 1000, 1000
	return config, nil
}

// freePorts finds loopback ports that nobody has now. All are held until the last is found, so they
// differ.
func freePorts(count int) ([]int, error) {
	ports := make([]int, 0, count)
	for range count {
		listener, err := net.Listen("tcp", loopback+":0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
