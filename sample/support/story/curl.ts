/** What can a reader paste? A whole command with a live token in it, under a comment that says what it gets. */
export function writeCurl(comment: string, request: string, token?: string): string {
  const authorization = token ? ` -H "Authorization: Bearer ${token}"` : '';
  return `# ${comment}\ncurl -i ${request}${authorization}\n`;
}

/** A body. Double quotes inside and out, because cmd knows no single ones. */
export function curlJson(body: unknown): string {
  const escaped = JSON.stringify(body).replaceAll('"', String.raw`\"`);
  return `-H "Content-Type: application/json" -d "${escaped}"`;
}
