/** Text as it stands in HTML, between tags or in a quoted attribute. */
export function html(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
