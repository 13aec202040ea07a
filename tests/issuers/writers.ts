import { fileURLToPath } from "node:url";
import { FOLDER, installed } from "./installed.ts";
import type { Tool } from "../foreign/tool.ts";

/** A program that puts renewed credentials where a worker reads them, run as its own code does it. */
export interface Writer {
  /** The program and the version of its code. */
  readonly name: string;
  /** What has to be installed. */
  readonly tool: Tool;
  /** The command, which is given the folder to write to and then versions, a folder a line. */
  readonly command: readonly [program: string, ...args: string[]];
  /** Where it puts them, relative to the folder. */
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string };
}

const CERTBOT_PY = fileURLToPath(new URL("./python/certbot_links.py", import.meta.url));

/** Every writer that runs in these tests. */
export const writers: readonly Writer[] = [
  {
    name: "spiffe-helper 0.11.0",
    tool: installed("spiffe-helper", "spiffe_helper"),
    command: [`${FOLDER}/spiffe_helper`],
    files: { ca: "svid_bundle.pem", cert: "svid.pem", key: "svid_key.pem" },
  },
  {
    name: "the renderer of consul-template 0.41.0",
    tool: installed("consul-template", "consul_template"),
    command: [`${FOLDER}/consul_template`],
    files: { ca: "ca.pem", cert: "cert.pem", key: "key.pem" },
  },
  {
    name: "the atomic writer of the kubelet 1.37.2",
    tool: installed("kubelet", "kubelet"),
    command: [`${FOLDER}/kubelet`],
    files: { ca: "ca.crt", cert: "tls.crt", key: "tls.key" },
  },
  {
    name: "the atomic writer of cert-manager's csi-lib 0.9.0",
    tool: installed("csi-lib", "csi_lib"),
    command: [`${FOLDER}/csi_lib`],
    files: { ca: "ca.crt", cert: "tls.crt", key: "tls.key" },
  },
  {
    name: "the store of the kubelet's own certificates (k8s.io/client-go 0.37.2)",
    tool: installed("kubernetes", "kubernetes"),
    command: [`${FOLDER}/kubernetes`, "write"],
    files: { ca: "ca.crt", cert: "kubelet-server-current.pem", key: "kubelet-server-current.pem" },
  },
  {
    name: "istio-agent (eed52ebb66ad), as `OUTPUT_CERTS` asks for",
    tool: installed("istio", "istio"),
    command: [`${FOLDER}/istio`, "write"],
    files: { ca: "root-cert.pem", cert: "cert-chain.pem", key: "key.pem" },
  },
  {
    name: "the storage of Caddy (certmagic 0.25.6)",
    tool: installed("certmagic", "certmagic"),
    command: [`${FOLDER}/certmagic`],
    files: {
      ca: "root.crt",
      cert: "certificates/local/worker.example/worker.example.crt",
      key: "certificates/local/worker.example/worker.example.key",
    },
  },
  {
    name: "the links of certbot 5.8.0",
    tool: installed("certbot", "certbot/bin/python"),
    command: [`${FOLDER}/certbot/bin/python`, CERTBOT_PY],
    files: {
      ca: "ca.pem",
      cert: "live/worker.example/fullchain.pem",
      key: "live/worker.example/privkey.pem",
    },
  },
];
