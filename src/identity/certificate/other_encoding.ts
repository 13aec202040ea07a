/**
 * In what other encoding than PEM a text is that was read as UTF-8, and how to write it as PEM; `undefined` where it
 * is in none that is known.
 */
export function otherEncoding(text: string): string | undefined {
  // Windows PowerShell 5 redirects output as UTF-16.
  if (text.includes("-\0-\0-\0")) return "it is UTF-16; write it as UTF-8 or ASCII";
  // The tag of a SEQUENCE is a zero in ASCII; no text has the octets that follow.
  // deno-lint-ignore no-control-regex
  if (/^0[^\t\n\r -~]|^0.[\0-\x08]/.test(text)) {
    return "it is DER or PKCS #12, which is binary; write it as PEM with openssl";
  }
  if (/-----(?:\\r)?\\n/.test(text)) {
    return 'its line ends are written as the two characters "\\n"; write line ends';
  }
  // The formats that SPIFFE bundle endpoints, and spire-server bundle show -format spiffe, give.
  if (/^\s*\{[^]*"keys"/.test(text)) {
    return "it is a JSON Web Key Set; write the certificates of a SPIFFE bundle as PEM (spire-server bundle show)";
  }
  return undefined;
}
