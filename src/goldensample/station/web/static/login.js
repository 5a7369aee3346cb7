// Log in: the token goes to the station once, and a cookie stands for it from then on.
import { _, send } from "./station.js";

const form = document.getElementById("login");
const refused = document.getElementById("refused");

/** Give the page of this station that was asked for; Live where it was another site's, or none. */
function asked() {
  try {
    const page = new URL(new URLSearchParams(location.search).get("to") ?? "/", location.origin);
    return page.origin === location.origin ? page : "/";
  } catch {
    return "/";
  }
}

document.getElementById("enter").disabled = false; // before, a browser would put the token in the address
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, token } = form.elements;
  try {
    await send("/api/login", { name: name.value, token: token.value });
    location.assign(asked());
  } catch (error) {
    refused.textContent = error.status === 401 ? _("This token is not known here. See whether it is typed as you got it, or ask whoever runs the station for one.") : error.message;
    refused.hidden = false;
    token.value = "";
    token.focus();
  }
});
