package console

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/tokenwright/tokenwright/internal/account"
)

// factorPage sets up a second factor: the app takes the secret, and its first code
// proves that it has it.
type factorPage struct {
	QR     *qrCode
	Secret string // as people type it
	Sealed string // as the form gives it back
	Error  string // what is wrong with the code
}

// newFactor begins to set up a second factor. It is a form, not a page, so that
// who it is has been proven before the code is typed, which is good for a minute.
func (c *Console) newFactor(v *visit) error {
	secret, sealed := c.Accounts.NewTOTP(v.visitor)
	return c.askForFactor(v, http.StatusOK, secret, sealed, "")
}

func (c *Console) askForFactor(v *visit, status int, secret []byte, sealed, message string) error {
	code, err := newQRCode(account.TOTPURI("Tokenwright "+c.host(), v.visitor.User.Email, secret))
	if err != nil {
		return err
	}
	return v.render(status, "second-factor", view{Title: "Set up a second factor", Data: factorPage{code, account.TOTPText(secret), sealed, message}})
}

// host tells installations apart in an authenticator app.
func (c *Console) host() string {
	u, err := url.Parse(c.BaseURL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func (c *Console) setUpFactor(v *visit) error {
	sealed := v.form.Get("sealed")
	e, codes, err := c.Accounts.EnableTOTP(v.Request.Context(), v.origin, v.visitor, v.token, sealed, v.form.Get("code"))
	var throttled *account.ThrottledError
	var message string
	switch {
	case err == nil:
		v.entered(e)
		return c.showCodes(v, codes, true)
	case errors.Is(err, account.ErrSignIn):
		message = "This is not the code that the app shows just now. Wait for the next one; if it is wrong too, set the clock of the device."
	case errors.As(err, &throttled):
		message = "Too many tries. Wait a while, then type the code that the app shows then."
	default:
		return err
	}
	secret, err := c.Accounts.TOTPSecret(v.visitor, sealed)
	if err != nil { // not of this visitor: begin anew
		return v.redirect(accountPath)
	}
	return c.askForFactor(v, http.StatusBadRequest, secret, sealed, message)
}

// codesPage shows recovery codes, once.
type codesPage struct {
	Codes []string
	SetUp bool // the second factor was set up just now
}

func (c *Console) showCodes(v *visit, codes []string, setUp bool) error {
	return v.render(http.StatusOK, "recovery-codes", view{Title: "Recovery codes", Data: codesPage{codes, setUp}})
}

func (c *Console) renewCodes(v *visit) error {
	_, has, err := c.Accounts.Factors(v.Request.Context(), v.visitor)
	if err != nil {
		return err
	}
	if !has { // codes alone would open nothing
		return v.redirect(accountPath)
	}
	e, codes, err := c.Accounts.RenewRecoveryCodes(v.Request.Context(), v.origin, v.visitor, v.token)
	if err != nil {
		return err
	}
	v.entered(e)
	return c.showCodes(v, codes, false)
}

func (c *Console) removeFactor(v *visit) error {
	word := typed{Word: "remove"}
	if !word.check(v) {
		return c.renderAccount(v, http.StatusBadRequest, map[string]string{"confirm-factor": word.Error})
	}
	e, err := c.Accounts.DisableTOTP(v.Request.Context(), v.origin, v.visitor, v.token)
	if err != nil {
		return err
	}
	v.entered(e)
	return v.redirect(accountPath + "?done=no-factor")
}
