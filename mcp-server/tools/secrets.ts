/**
 * Which files hold secrets, by their name. They are neither read nor searched nor written by a worker; that a person can be
 * asked for one comes with policy.
 */

const FOLDERS = new Set([".aws", ".ssh", ".gnupg", ".azure", ".kube", ".docker", ".gcloud"]);

const NAMES = [
  /^\.env/u,
  /^\.npmrc$/u,
  /^[._]netrc$/u,
  /^\.(?:pypirc|pgpass|htpasswd|dockercfg|git-credentials|vault-token|s3cfg|boto|terraformrc)$/u,
  /^id_(?:rsa|dsa|ecdsa|ed25519)/u,
  /\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|tfvars|tfstate)$/u,
  /^\.?(?:credentials|secrets?)(?:\.(?:json|ya?ml|toml|ini|xml|csv|txt|properties|enc))?$/u,
  /(?:^|[._-])(?:credentials|client[_-]secret|service[_-]account)[^/]*\.json$/u,
];

/** Does the file at this workspace-relative path hold secrets, judged by its name and folders in any letter case? */
export function isSecret(path: string): boolean {
  const parts = path.toLowerCase().split("/");
  const name = (parts.pop() ?? "").replace(/[ .]+$/u, "");
  if (parts.some((part) => FOLDERS.has(part))) return true;
  return FOLDERS.has(name) || NAMES.some((pattern) => pattern.test(name));
}
