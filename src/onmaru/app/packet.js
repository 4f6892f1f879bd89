// Opens a downtime packet in the browser. What it shows was escaped where it was made, and no script in it may run.
const packet = JSON.parse(document.getElementById("d").textContent);
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const form = document.getElementById("f");
const wrong = document.getElementById("w");

async function key(passphrase) {
  const raw = await crypto.subtle.importKey("raw", new TextEncoder().encode(passphrase), "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: bytes(packet.salt), iterations: packet.rounds };
  return crypto.subtle.deriveKey(how, raw, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  wrong.hidden = true;
  try {
    const typed = document.getElementById("p").value.trim().normalize("NFC");
    const how = { name: "AES-GCM", iv: bytes(packet.nonce) };
    const text = await crypto.subtle.decrypt(how, await key(typed), bytes(packet.data));
    document.getElementById("m").innerHTML = new TextDecoder().decode(text);
    form.remove();
  } catch {
    wrong.hidden = false;
  }
});
